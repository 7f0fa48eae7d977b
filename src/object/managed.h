// Who owns which field: metadata.managedFields, kept at every write, and server-side apply over them.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "object/json.h"
#include "object/schema.h"

namespace object {

struct Manager {
    std::string name;
    std::string api_version;
    std::string subresource;  ///< "" for the main path
    base::Time time;
};

/// Sets updated.metadata.managedFields after a create, update or (not apply) patch by `manager`: what changed against
/// `live` becomes its own (operation Update), what others owned and is changed is taken from them, what is gone is
/// owned by nobody. `live` null: a create. `updated` may come with managedFields of its own (taken when valid; [] or
/// [{}] clears them). When nothing but ownership times changed, live's entries stay as they are.
void track_update(const Message& message, const json::object* live, json::object& updated, const Manager& manager);

enum class Force : std::uint8_t { no, yes };

/// The result of applying `intent` as `manager` to `live` (null: it does not exist yet). A conflict is Code::conflict
/// with one cause FieldManagerConflict a field; a list item given twice or an unknown field is Code::bad_request.
/// `intent` is as the client wrote it (quantities are compared as text), without what this path may not change: status
/// on the main path, spec on the status path. `finish` (canonical form and defaults) makes the merged object whole;
/// what it adds is nobody's. When nothing but times would change, live's entries stay.
base::Result<json::object> apply(const Message& message, const json::object* live, const json::object& intent,
                                 const Manager& manager, Force force,
                                 const std::function<base::Result<json::object>(json::object)>& finish);

}  // namespace object
