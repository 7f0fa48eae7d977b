// What a Service and its EndpointSlices say, as values for rules and names.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "network/rule_set.h"
#include "object/json.h"

namespace network {

struct NamedPort {
    std::string name, protocol;  ///< protocol in lower case
    std::uint16_t port = 0;
};

struct Endpoint {
    std::string ip, hostname, pod_uid;  ///< pod_uid "": not a pod
    bool ready = false;
    bool serving = false;  ///< answers, though it may be terminating
    std::vector<NamedPort> ports;
};

/// The IPv4 endpoints of a service's slices, each address and port set once.
std::vector<Endpoint> endpoints_of(const std::map<std::string, object::ObjectPtr>& slices);

/// Ports with the backends that get traffic: the ready ones; when there are none, those that still serve while they
/// end.
std::vector<PortRule> port_rules(const object::Object& service, const std::vector<Endpoint>& endpoints);

/// Whether it is met by an address of its own (no headless or ExternalName service).
bool has_cluster_ip(const object::Object& service);

}  // namespace network
