// The names of the cluster as a value: what DNS answers are made from.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "network/endpoints.h"

namespace network {

struct ZoneService {
    std::string cluster_ip;     ///< "" when headless or external
    std::string external_name;  ///< the CNAME of an ExternalName service
    std::vector<NamedPort> ports;
    std::vector<Endpoint> endpoints;  ///< of a headless service: those that are ready
    bool headless() const { return cluster_ip.empty() && external_name.empty(); }
};

/// What a service's object and endpoints mean for names.
ZoneService zone_service(const object::Object& service, const std::vector<Endpoint>& endpoints);

/// The label under which an endpoint of a headless service has a name of its own: its hostname, or "10-244-0-7".
std::string endpoint_label(const Endpoint& endpoint);

class Zone {
 public:
    /// Nothing takes it out.
    void put(const ServiceName& name, std::optional<ZoneService> service);
    const ZoneService* find(std::string_view ns, std::string_view name) const;
    bool has_namespace(std::string_view ns) const;
    /// The name below the cluster's domain ("web.default.svc") that an address belongs to; "" when to none.
    std::string name_of(std::string_view ip) const;

 private:
    std::map<ServiceName, ZoneService> services_;
    std::map<std::string, std::map<ServiceName, std::string>, std::less<>> names_;  ///< address -> name
};

}  // namespace network
