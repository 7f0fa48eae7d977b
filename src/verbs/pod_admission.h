// What a new Pod gets from other objects that it names: its priority class and its runtime class.
#pragma once

#include "verbs/api.h"

namespace verbs {

/// spec.priority, spec.preemptionPolicy and, where a default class gives them, spec.priorityClassName. Code::forbidden
/// when there is no such class or the Pod says another priority itself.
base::Result<void> admit_priority(const store::Store& store, const Target& target, json::object& pod);
/// The overhead, node selector and tolerations of its runtime class. Code::forbidden when there is no such class or the
/// Pod says something else.
base::Result<void> admit_runtime_class(const store::Store& store, const Target& target, json::object& pod);

}  // namespace verbs
