// Rows of services, endpoints and ingress.
#include <fmt/format.h>

#include <set>

#include "kinds/cells.h"

namespace kinds {

namespace {

/// Addresses of a load balancer's status, sorted.
std::vector<std::string> balancer_addresses(Ref object) {
    std::set<std::string> addresses;
    for (const auto& item : object["status"]["loadBalancer"]["ingress"].items())
        addresses.emplace(or_text(Ref(item)["ip"].str(), Ref(item)["hostname"].str()));
    addresses.erase("");
    return {addresses.begin(), addresses.end()};
}

std::string external_ip(Ref service) {
    const Ref spec = service["spec"];
    std::vector<std::string> given;
    for (const auto& item : spec["externalIPs"].items()) given.emplace_back(Ref(item).str());
    const auto type = spec["type"].str();
    if (type == "ExternalName") return std::string{spec["externalName"].str()};
    if (type != "LoadBalancer") return given.empty() ? "<none>" : joined(given);
    auto addresses = balancer_addresses(service);
    addresses.insert(addresses.end(), given.begin(), given.end());
    return addresses.empty() ? "<pending>" : joined(addresses);
}

std::string service_ports(Ref service) {
    std::vector<std::string> texts;
    for (const auto& item : service["spec"]["ports"].items()) {
        const Ref port(item);
        const auto node_port = port["nodePort"].num();
        const auto on_node = node_port > 0 ? fmt::format(":{}", node_port) : std::string();
        texts.push_back(fmt::format("{}{}/{}", port["port"].num(), on_node, port["protocol"].str()));
    }
    return texts.empty() ? "<none>" : joined(texts);
}

std::vector<std::string> endpoint_addresses(Ref endpoints) {
    std::vector<std::string> texts;
    for (const auto& item : endpoints["subsets"].items()) {
        const Ref subset(item);
        const auto& addresses = subset["addresses"].items();
        if (subset["ports"].size() == 0)
            for (const auto& address : addresses) texts.emplace_back(Ref(address)["ip"].str());
        for (const auto& port : subset["ports"].items())
            for (const auto& address : addresses)
                texts.push_back(fmt::format("{}:{}", Ref(address)["ip"].str(), Ref(port)["port"].num()));
    }
    return texts;
}

constexpr std::size_t shown_max = 3;

}  // namespace

json::array service_cells(Ref object, base::Time now) {
    const Ref spec = object["spec"];
    return {name_of(object),
            spec["type"].str(),
            or_text(spec["clusterIPs"][0UL].str(), "<none>"),
            external_ip(object),
            service_ports(object),
            age(object, now),
            labels_text(spec["selector"])};
}

json::array endpoints_cells(Ref object, base::Time now) {
    const auto addresses = endpoint_addresses(object);
    const bool none = object["subsets"].size() == 0;
    return {name_of(object), none ? "<none>" : first_of(addresses, shown_max), age(object, now)};
}

json::array endpoint_slice_cells(Ref object, base::Time now) {
    std::vector<std::string> ports, addresses;
    for (const auto& item : object["ports"].items()) {
        const Ref port(item);
        ports.push_back(port["port"] ? std::to_string(port["port"].num())
                                     : std::string(or_text(port["name"].str(), "*")));
    }
    for (const auto& endpoint : object["endpoints"].items())
        for (const auto& address : Ref(endpoint)["addresses"].items()) addresses.emplace_back(Ref(address).str());
    return {name_of(object), object["addressType"].str(), ports.empty() ? "<unset>" : first_of(ports, shown_max),
            addresses.empty() ? "<unset>" : first_of(addresses, shown_max), age(object, now)};
}

json::array ingress_cells(Ref object, base::Time now) {
    std::vector<std::string> hosts;
    for (const auto& rule : object["spec"]["rules"].items())
        if (const auto host = Ref(rule)["host"].str(); !host.empty()) hosts.emplace_back(host);
    return {name_of(object),
            or_text(object["spec"]["ingressClassName"].str(), "<none>"),
            hosts.empty() ? "*" : first_of(hosts, shown_max),
            joined(balancer_addresses(object)),
            object["spec"]["tls"].size() > 0 ? "80, 443" : "80",
            age(object, now)};
}

json::array ingress_class_cells(Ref object, base::Time now) {
    const Ref parameters = object["spec"]["parameters"];
    std::string text = "<none>";
    if (parameters) {
        text = parameters["kind"].str();
        if (const auto group = parameters["apiGroup"].str(); !group.empty()) text += "." + std::string(group);
        text += "/" + std::string(parameters["name"].str());
    }
    return {name_of(object), object["spec"]["controller"].str(), text, age(object, now)};
}

json::array network_policy_cells(Ref object, base::Time now) {
    return {name_of(object), selector_text(object["spec"]["podSelector"]), age(object, now)};
}

json::array ip_address_cells(Ref object, base::Time) {
    const Ref parent = object["spec"]["parentRef"];
    std::string text = "<none>";
    if (parent) {
        text = parent["resource"].str();
        if (const auto group = parent["group"].str(); !group.empty()) text += "." + std::string(group);
        if (const auto ns = parent["namespace"].str(); !ns.empty()) text += "/" + std::string(ns);
        text += "/" + std::string(parent["name"].str());
    }
    return {name_of(object), text};
}

json::array service_cidr_cells(Ref object, base::Time now) {
    std::vector<std::string> ranges;
    for (const auto& range : object["spec"]["cidrs"].items()) ranges.emplace_back(Ref(range).str());
    return {name_of(object), joined(ranges), age(object, now)};
}

}  // namespace kinds
