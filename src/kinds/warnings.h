// What upstream warns of though it accepts it: deprecated fields and annotations, definitions that hide each other.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "object/json.h"
#include "object/schema.h"

namespace kinds {

/// Of an object that is created or updated (`live` null: created).
std::vector<std::string> warnings(const object::Kind& kind, const object::json::object& object,
                                  const object::json::object* live);
/// Of a pod or a pod template whose fields stand under `prefix` ("" or "spec.template.").
void warn_of_pod(object::Ref metadata, object::Ref spec, const std::string& prefix, std::vector<std::string>& out);
/// Of a kind as such, said with every answer about it; "" for most.
std::string_view deprecation(const object::Kind& kind);

}  // namespace kinds
