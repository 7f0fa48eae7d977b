// What data cannot say about a built-in kind, as one list of functions: defaults, what the server owns, validation,
// table cells. Pure: no store, no time but what is given.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "object/json.h"
#include "object/schema.h"

namespace kinds {

using Causes = std::vector<base::Cause>;  ///< reason e.g. FieldValueRequired, field e.g. spec.containers[0].image
namespace json = object::json;

/// Fills in what upstream's defaulting does for that kind and version (facts/defaults.yaml); idempotent.
void set_defaults(const object::Kind& kind, json::object& object);
/// Before a create is stored: drops status where the kind has a status subresource (with the status a new object
/// gets, e.g. a Pod's phase Pending and qosClass), derives what is derived (Secret.stringData into data, ...).
void prepare_create(const object::Kind& kind, json::object& object);
/// A kubelet registers its Node with a status in one request; elsewhere a new object's status is dropped.
bool keeps_status_on_create(const object::Kind& kind);
/// Before an update through `subresource` ("" main path): keeps what that path may not change (status on the main path,
/// all but status on "status"), carries over what an empty field means (a Service's clusterIP and nodePorts).
void prepare_update(const object::Kind& kind, json::object& updated, const json::object& live,
                    std::string_view subresource);
/// Every violation in upstream's order with upstream's reasons and field paths; metadata included. Empty when valid.
Causes validate_create(const object::Kind& kind, const json::object& object);
Causes validate_update(const object::Kind& kind, const json::object& updated, const json::object& live,
                       std::string_view subresource);
/// Whether metadata.generation rises with this update (facts: mostly when spec changes).
bool generation_changes(const object::Kind& kind, const json::object& updated, const json::object& live);
/// One table row's cells for kind.columns, typed as upstream types them (counts are integers).
json::array cells(const object::Kind& kind, const json::object& object, base::Time now);
/// Table row conditions (a finished Pod's {type: Completed, ...}); empty array otherwise.
json::array row_conditions(const object::Kind& kind, const json::object& object);
/// "5m", "3d4h": facts/resources.yaml humanDuration.
std::string human_duration(base::Duration age);
/// The value that a field selector of that kind compares (e.g. spec.nodeName, involvedObject.name); metadata.*
/// included.
std::string selectable(const object::Kind& kind, const json::object& object, std::string_view path);

}  // namespace kinds
