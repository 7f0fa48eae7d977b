// JSON values as YAML text, for clients that ask for application/yaml.
#pragma once

#include <string>

#include "object/json.h"

namespace server {

/// Block style, keys in the order of the value; strings are quoted whenever plain text could be read as something else.
std::string yaml_text(const object::json::value& value);

}  // namespace server
