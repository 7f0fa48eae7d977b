// The list of controllers, written out. Each stands in a file of its own and knows nothing of the others: they meet
// through objects in the store.
#pragma once

#include <string>
#include <vector>

#include "engine/controller.h"

namespace control {

struct Settings {
    std::string root_ca_pem;  ///< published to every namespace as ConfigMap kube-root-ca.crt
};

std::vector<engine::Controller> all(const Settings& settings);

engine::Controller deployment_controller();
engine::Controller replicaset_controller();
engine::Controller endpoints_controller();
engine::Controller endpointslice_controller();
engine::Controller endpoint_mirror_controller();
engine::Controller namespace_controller();
engine::Controller garbage_collector();
engine::Controller service_account_controller();
engine::Controller root_ca_controller(std::string pem);
engine::Controller scheduler();
engine::Controller node_lifecycle_controller();
engine::Controller pod_garbage_controller();
engine::Controller event_expiry_controller();

}  // namespace control
