// The program that is the first process of a pod with a shared process namespace.
#pragma once

#include <string_view>

namespace edge {

/// Its bytes, a static executable.
std::string_view pause_program();

}  // namespace edge
