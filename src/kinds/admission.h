// Admission of Pods that needs no other object but what is given: priority, tolerations, the service account's parts.
#pragma once

#include <string_view>

#include "object/json.h"

namespace kinds {

namespace json = object::json;

/// What a stock cluster adds to every new Pod: priority 0 (or a system class's), preemptionPolicy, and five minutes'
/// patience with nodes that are not ready or unreachable.
void admit_pod(json::object& pod);

/// Gives the Pod its account's name and pull secrets and, unless the Pod or the account declines, mounts the account's
/// token as volume kube-api-access-`volume_suffix` in every container that mounts nothing else there.
void add_service_account(json::object& pod, std::string_view account_name, const json::object& account,
                         std::string_view volume_suffix);

}  // namespace kinds
