// What the server itself writes into metadata, and the order in which an object's members stand.
#pragma once

#include "base/result.h"
#include "base/rng.h"
#include "base/time.h"
#include "verbs/api.h"

namespace verbs {

/// Checks name and namespace of a new object against its target and takes what a client may not set.
base::Result<void> admit_new_metadata(const Target& target, json::object& object);
/// uid, creationTimestamp, generated name, generation.
void stamp_new_metadata(const object::Kind& kind, json::object& object, base::Rng& rng, base::Time now);
/// Checks name, namespace and revision of an update against the live object (Code::conflict when stale) and keeps what
/// a client may not change.
base::Result<void> admit_updated_metadata(const Target& target, json::object& object, const object::Object& live);
/// The uid that a whole object says is a precondition: Code::conflict when the live object has another.
base::Result<void> check_uid(const Target& target, object::Ref meta, const object::Object& live);
/// kind, apiVersion, metadata first; then the rest in the order in which it came.
json::object in_order(const object::Kind& kind, json::object object);
/// Raises metadata.generation above `live`'s.
void raise_generation(json::object& object, const json::object& live);

}  // namespace verbs
