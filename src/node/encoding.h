// Small text forms of the node: base64 of Secrets, lines, and the key="value" form of downward API maps.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "object/json.h"

namespace node {

/// What is no base64 ends the text.
std::string decode_base64(std::string_view text);
std::vector<std::string_view> lines_of(std::string_view text);
/// key="value" lines sorted by key, values escaped as Go's %q.
std::string key_value_lines(object::Ref map);

}  // namespace node
