// The written-out list: what makes pods move stands first, so that it is served first in each turn.
#include "control/controllers.h"

namespace control {

std::vector<engine::Controller> all(const Settings& settings) {
    return {
        scheduler(),
        replicaset_controller(),
        deployment_controller(),
        endpointslice_controller(),
        endpoints_controller(),
        endpoint_mirror_controller(),
        namespace_controller(),
        garbage_collector(),
        service_account_controller(),
        root_ca_controller(settings.root_ca_pem),
        node_lifecycle_controller(),
        pod_garbage_controller(),
        event_expiry_controller(),
    };
}

}  // namespace control
