// Server-side apply's work on values: laying a configuration over an object and taking out owned places. Both follow
// the schema as managed_walk.h sees it.
#pragma once

#include "base/result.h"
#include "object/field_set.h"
#include "object/json.h"
#include "object/managed_walk.h"

namespace object {

/// `config` laid over `live`: members merge, leaves and atomic values replace, list items merge by name. Items come in
/// the order of `config`; items of `live` alone keep their place among those they share. Fails on an item given twice.
base::Result<json::value> merge_places(const Spot& spot, const json::value& live, const json::value& config);

/// `value` without the places in `gone`; a map or list that loses its last member becomes null.
json::value without_places(const Spot& spot, const json::value& value, const FieldSet& gone);

/// The set with every struct field on the way to a member made a member itself; keys of maps and items are not.
FieldSet with_named_fields(const Spot& spot, const FieldSet& set);

}  // namespace object
