// The written-out list, in the order in which they take turns: what pods need first, then what makes them move.
#include "control/controllers.h"

namespace control {

std::vector<engine::Controller> all(const Settings& settings) {
    return {
        service_account_controller(),
        root_ca_controller(settings.root_ca_pem),
        scheduler(),
        replicaset_controller(),
        deployment_controller(),
        endpointslice_controller(),
        endpoints_controller(),
        endpoint_mirror_controller(),
        namespace_controller(),
        garbage_collector(),
        node_lifecycle_controller(),
        pod_garbage_controller(),
        event_expiry_controller(),
    };
}

}  // namespace control
