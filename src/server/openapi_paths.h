// The operations on a kind, as OpenAPI describes them: enough for clients to know which verbs, patches and options
// there are.
#pragma once

#include "object/schema.h"
#include "server/openapi_schema.h"

namespace server {

void add_paths(json::object& paths, const object::Kind& kind, Dialect dialect);
/// A path that only answers GET, described by no more than its name.
void add_plain_path(json::object& paths, std::string_view path, std::string_view operation_id);
/// "apps", "v1" -> "AppsV1"; the core group is "Core".
std::string pascal_group(std::string_view group);
std::string pascal(std::string_view word);

}  // namespace server
