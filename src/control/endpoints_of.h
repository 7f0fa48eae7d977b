// Which pods stand behind a service and how: shared by Endpoints and EndpointSlices. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "control/workload.h"

namespace control {

/// One pod behind a service.
struct Backend {
    ObjectPtr pod;
    std::string ip;
    bool ready = false;  ///< by the Ready condition
    bool terminating = false;
    json::array ports;  ///< resolved EndpointPorts ordered by name; null and empty are the same
};

enum class Terminating : std::uint8_t { left_out, included };
/// The pods that the service's selector finds and that have an address and are not finished, by address.
std::vector<Backend> backends(const Object& service, const engine::View& view, Terminating terminating);
/// False for services whose endpoints are somebody else's: without selector, or ExternalName.
bool has_managed_endpoints(const Object& service);
bool is_headless(const Object& service);
/// The hostname under which a headless service publishes the pod; "" for none.
std::string_view published_hostname(const Object& pod, const Object& service);
json::object target_ref(const Object& pod);
/// The earliest readiness change among the pods whose place changed, else (new) the service's creation; "" for none.
std::string change_trigger(const std::vector<ObjectPtr>& changed, const Object* new_service);

/// Wakes the services whose selector matches the pod, before or after the change, when it matters to endpoints.
engine::Watch watch_pods_of_services();

inline constexpr std::string_view trigger_annotation = "endpoints.kubernetes.io/last-change-trigger-time";
inline constexpr std::string_view headless_label = "service.kubernetes.io/headless";

}  // namespace control
