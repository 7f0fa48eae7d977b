// Admission that needs other objects: namespaces that are missing or ending, service accounts of pods.
#pragma once

#include "base/result.h"
#include "base/rng.h"
#include "verbs/api.h"

namespace verbs {

base::Result<void> admit_create(const store::Store& store, const Target& target, json::object& object, base::Rng& rng);

}  // namespace verbs
