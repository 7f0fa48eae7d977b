// Services and slices read by the rules of the API: conditions that are not given, ports without names, families.
#include "network/endpoints.h"

#include <algorithm>
#include <cctype>

namespace network {
namespace {

using object::Ref;

constexpr std::int64_t affinity_default_s = 10800;

std::string lower(std::string_view text, std::string_view otherwise) {
    std::string out(text.empty() ? otherwise : text);
    std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
    return out;
}

std::vector<NamedPort> ports_of(Ref ports) {
    std::vector<NamedPort> out;
    for (const Ref port : ports.items())
        out.push_back({.name = std::string(port["name"].str()),
                       .protocol = lower(port["protocol"].str(), "tcp"),
                       .port = static_cast<std::uint16_t>(port["port"].num())});
    return out;
}

void add_addresses(PortRule& rule, const object::Object& service) {
    for (const Ref ip : service["spec"]["externalIPs"].items()) rule.addresses.emplace_back(ip.str());
    for (const Ref entry : service["status"]["loadBalancer"]["ingress"].items())
        if (!entry["ip"].str().empty()) rule.addresses.emplace_back(entry["ip"].str());
    // IPv6 is no concern of this table
    std::erase_if(rule.addresses, [](const std::string& ip) { return ip.find(':') != std::string::npos; });
}

std::vector<Backend> backends(const std::vector<Endpoint>& endpoints, const NamedPort& wanted, bool Endpoint::*takes) {
    std::vector<Backend> out;
    for (const auto& endpoint : endpoints) {
        if (!(endpoint.*takes)) continue;
        for (const auto& port : endpoint.ports)
            if (port.name == wanted.name && port.protocol == wanted.protocol && port.port != 0)
                out.push_back({endpoint.ip, port.port});
    }
    std::ranges::sort(out);
    const auto doubles = std::ranges::unique(out);
    out.erase(doubles.begin(), doubles.end());
    return out;
}

}  // namespace

std::vector<Endpoint> endpoints_of(const std::map<std::string, object::ObjectPtr>& slices) {
    std::vector<Endpoint> out;
    for (const auto& [name, slice] : slices) {
        if ((*slice)["addressType"].str() != "IPv4") continue;
        const auto ports = ports_of((*slice)["ports"]);
        for (const Ref each : (*slice)["endpoints"].items()) {
            const Ref conditions = each["conditions"];
            const bool ready = conditions["ready"].flag(true);
            for (const Ref address : each["addresses"].items())
                out.push_back({.ip = std::string(address.str()),
                               .hostname = std::string(each["hostname"].str()),
                               .pod_uid = std::string(each["targetRef"]["uid"].str()),
                               .ready = ready,
                               .serving = ready || conditions["serving"].flag(false),
                               .ports = ports});
        }
    }
    return out;
}

bool has_cluster_ip(const object::Object& service) {
    const auto ip = service["spec"]["clusterIP"].str();
    return service["spec"]["type"].str() != "ExternalName" && !ip.empty() && ip != "None" &&
           ip.find(':') == std::string_view::npos;
}

std::vector<PortRule> port_rules(const object::Object& service, const std::vector<Endpoint>& endpoints) {
    std::vector<PortRule> out;
    if (!has_cluster_ip(service)) return out;
    const auto affinity = service["spec"]["sessionAffinityConfig"];
    const bool sticky = service["spec"]["sessionAffinity"].str() == "ClientIP";
    for (const Ref port : service["spec"]["ports"].items()) {
        const NamedPort wanted{.name = std::string(port["name"].str()),
                               .protocol = lower(port["protocol"].str(), "tcp"),
                               .port = static_cast<std::uint16_t>(port["port"].num())};
        PortRule rule{.protocol = wanted.protocol,
                      .port = wanted.port,
                      .node_port = static_cast<std::uint16_t>(port["nodePort"].num()),
                      .cluster_ip = std::string(service["spec"]["clusterIP"].str()),
                      .addresses = {},
                      .backends = backends(endpoints, wanted, &Endpoint::ready),
                      .balance = sticky ? Balance::by_client : Balance::random,
                      .affinity_s = affinity["clientIP"]["timeoutSeconds"].num(affinity_default_s)};
        if (rule.backends.empty()) rule.backends = backends(endpoints, wanted, &Endpoint::serving);
        add_addresses(rule, service);
        out.push_back(std::move(rule));
    }
    return out;
}

}  // namespace network
