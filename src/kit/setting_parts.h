// Secrets that stand in files of their own, as orchestrators mount them, and what addresses are made of.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace kit {

/// The file's content without the line break at its end; at most 64 KiB.
base::Result<std::string> secret_in_file(const std::string& path);

}  // namespace kit
