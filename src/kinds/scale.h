// How many replicas an object wants, as an autoscaling/v1 Scale: the same words for every kind that can be scaled.
#pragma once

#include "kinds/rules.h"
#include "object/json.h"

namespace kinds {

/// The Scale of a Deployment, ReplicaSet, StatefulSet or ReplicationController; spec.replicas is omitted at 0.
json::object scale_of(const json::object& object);
/// Violations of a Scale that is to be written: it must be about that object, and replicas may not be negative.
Causes validate_scale(const json::object& scale, const json::object& object);
/// The object with the replicas that the Scale asks for.
json::object with_scale(json::object object, const json::object& scale);

}  // namespace kinds
