// Keeps names and their reverse in step, service by service.
#include "network/zone.h"

#include <algorithm>

namespace network {
namespace {

using object::Ref;

/// Addresses with the names that PTR answers give for them.
std::vector<std::pair<std::string, std::string>> reverse_names(const ServiceName& name, const ZoneService& service) {
    const auto base = name.name + "." + name.ns + ".svc";
    std::vector<std::pair<std::string, std::string>> out;
    if (!service.cluster_ip.empty()) out.emplace_back(service.cluster_ip, base);
    if (service.headless())
        for (const auto& endpoint : service.endpoints)
            out.emplace_back(endpoint.ip, endpoint_label(endpoint) + "." + base);
    return out;
}

}  // namespace

ZoneService zone_service(const object::Object& service, const std::vector<Endpoint>& endpoints) {
    ZoneService out;
    if (service["spec"]["type"].str() == "ExternalName") {
        out.external_name = std::string(service["spec"]["externalName"].str());
        return out;
    }
    if (has_cluster_ip(service)) out.cluster_ip = std::string(service["spec"]["clusterIP"].str());
    for (const Ref port : service["spec"]["ports"].items()) {
        std::string protocol(port["protocol"].str("TCP"));
        std::ranges::transform(protocol, protocol.begin(), [](unsigned char c) { return std::tolower(c); });
        out.ports.push_back({.name = std::string(port["name"].str()),
                             .protocol = std::move(protocol),
                             .port = static_cast<std::uint16_t>(port["port"].num())});
    }
    if (out.headless())
        for (const auto& endpoint : endpoints)
            if (endpoint.ready) out.endpoints.push_back(endpoint);
    return out;
}

std::string endpoint_label(const Endpoint& endpoint) {
    if (!endpoint.hostname.empty()) return endpoint.hostname;
    auto out = endpoint.ip;
    std::ranges::replace(out, '.', '-');
    return out;
}

void Zone::put(const ServiceName& name, std::optional<ZoneService> service) {
    if (const auto old = services_.find(name); old != services_.end()) {
        for (const auto& [ip, text] : reverse_names(name, old->second)) {
            const auto at = names_.find(ip);
            if (at == names_.end()) continue;
            at->second.erase(name);
            if (at->second.empty()) names_.erase(at);
        }
        services_.erase(old);
    }
    if (!service) return;
    for (auto& [ip, text] : reverse_names(name, *service)) names_[ip][name] = text;
    services_[name] = std::move(*service);
}

const ZoneService* Zone::find(std::string_view ns, std::string_view name) const {
    const auto found = services_.find(ServiceName{std::string(ns), std::string(name)});
    return found == services_.end() ? nullptr : &found->second;
}

bool Zone::has_namespace(std::string_view ns) const {
    const auto at = services_.lower_bound(ServiceName{std::string(ns), ""});
    return at != services_.end() && at->first.ns == ns;
}

std::string Zone::name_of(std::string_view ip) const {
    const auto found = names_.find(ip);
    return found == names_.end() ? "" : found->second.begin()->second;
}

}  // namespace network
