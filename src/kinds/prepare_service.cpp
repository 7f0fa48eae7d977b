// What a Service's empty fields mean: address families of this IPv4 cluster, and on update the values it already has.
#include <algorithm>
#include <set>
#include <string>

#include "kinds/prepare.h"

namespace kinds {

static bool needs_cluster_ip(Ref service) {
    const auto type = service["spec"]["type"].str();
    return type == "ClusterIP" || type == "NodePort" || type == "LoadBalancer";
}
static bool needs_node_port(Ref service) {
    const Ref spec = service["spec"];
    const auto type = spec["type"].str();
    return type == "NodePort" || (type == "LoadBalancer" && spec["allocateLoadBalancerNodePorts"].flag(true));
}
static bool needs_health_port(Ref service) {
    return service["spec"]["type"].str() == "LoadBalancer" && service["spec"]["externalTrafficPolicy"].str() == "Local";
}
static bool externally_accessible(Ref service) {
    const Ref spec = service["spec"];
    const auto type = spec["type"].str();
    return type == "NodePort" || type == "LoadBalancer" || (type == "ClusterIP" && spec["externalIPs"].size() > 0);
}
static bool same(Ref a, Ref b, std::string_view key) {
    const Ref left = a["spec"][key];
    const Ref right = b["spec"][key];
    if (!left || !right) return !left && !right;
    return *left.value() == *right.value();
}

static std::string_view family_of(std::string_view address) {
    return address.find(':') != std::string_view::npos ? "IPv6" : "IPv4";
}

/// Which address families the Service gets. The cluster has IPv4 alone; a headless Service without selector is its
/// owner's to fill, so it may have both.
static void fill_families(json::object& service) {
    if (!needs_cluster_ip(service)) return;
    auto& spec = child(service, "spec");
    const bool headless = Ref(spec)["clusterIP"].str() == "None";
    const bool own_endpoints = headless && Ref(spec)["selector"].size() == 0;
    fill(spec, "ipFamilyPolicy", own_endpoints ? "RequireDualStack" : "SingleStack");
    auto& families = list(spec, "ipFamilies");
    const json::array addresses = Ref(spec)["clusterIPs"].items();
    for (std::size_t i = families.size(); i < addresses.size(); ++i)
        if (const auto address = Ref(addresses[i]).str(); address != "None" && !address.empty())
            families.emplace_back(family_of(address));
    if (families.empty()) families.emplace_back("IPv4");
    if (own_endpoints && families.size() == 1 && Ref(spec)["ipFamilyPolicy"].str() != "SingleStack")
        families.emplace_back(Ref(families[0]).str() == "IPv4" ? "IPv6" : "IPv4");
}

void prepare_service_create(json::object& service) {
    auto& spec = child(service, "spec");
    if (!zero(spec, "clusterIP") && zero(spec, "clusterIPs")) spec["clusterIPs"] = json::array{spec["clusterIP"]};
    fill_families(service);
}

/// An unset address means the one it has; a changed clusterIP alone is a wish for the whole list.
static void keep_addresses(json::object& updated, const json::object& live) {
    auto& spec = child(updated, "spec");
    if (needs_cluster_ip(live) && needs_cluster_ip(updated)) {
        if (zero(spec, "clusterIP") && zero(spec, "clusterIPs")) {
            if (const Ref old = Ref(live)["spec"]["clusterIP"]) spec["clusterIP"] = *old.value();
        }
        if (zero(spec, "clusterIPs") && same(updated, live, "clusterIP"))
            if (const Ref old = Ref(live)["spec"]["clusterIPs"]) spec["clusterIPs"] = *old.value();
        for (const auto* key : {"ipFamilies", "ipFamilyPolicy"})
            if (const Ref old = Ref(live)["spec"][key]; old && zero(spec, key)) spec[key] = *old.value();
    }
    if (same(updated, live, "clusterIP") || !same(updated, live, "clusterIPs")) return;
    if (zero(spec, "clusterIP"))
        spec.erase("clusterIPs");
    else
        spec["clusterIPs"] = json::array{spec["clusterIP"]};
}

static std::set<std::int64_t> node_ports(Ref service) {
    std::set<std::int64_t> ports;
    for (const auto& port : service["spec"]["ports"].items())
        if (const auto number = Ref(port)["nodePort"].num(); number != 0) ports.insert(number);
    return ports;
}

static std::int64_t node_port_named(Ref service, std::string_view name) {
    for (const auto& port : service["spec"]["ports"].items())
        if (Ref(port)["name"].str() == name) return Ref(port)["nodePort"].num();
    return 0;
}

/// An unset node port means the one that the port of that name had, unless another port asks for it.
static void keep_node_ports(json::object& updated, const json::object& live) {
    if (!needs_node_port(live) || !needs_node_port(updated)) return;
    auto taken = node_ports(updated);
    auto* ports = find_list(child(updated, "spec"), "ports");
    if (!ports) return;
    for (auto& item : *ports) {
        auto* port = item.if_object();
        if (!port || !zero(*port, "nodePort")) continue;
        const auto old = node_port_named(live, Ref(*port)["name"].str());
        if (old != 0 && taken.insert(old).second) (*port)["nodePort"] = old;
    }
}

/// What only the former type had goes with it, unless it was changed in the same request.
static void drop_type_dependent(json::object& updated, const json::object& live) {
    auto& spec = child(updated, "spec");
    const auto drop_if_same = [&](std::string_view key) {
        if (same(updated, live, key)) spec.erase(key);
    };
    if (needs_cluster_ip(live) && !needs_cluster_ip(updated)) {
        const bool kept = same(updated, live, "clusterIP") && same(updated, live, "clusterIPs");
        if (kept) {
            spec.erase("clusterIP");
            spec.erase("clusterIPs");
        }
        drop_if_same("ipFamilies");
        drop_if_same("ipFamilyPolicy");
        drop_if_same("internalTrafficPolicy");
    }
    if (needs_node_port(live) && !needs_node_port(updated) && node_ports(live) == node_ports(updated))
        if (auto* ports = find_list(spec, "ports"))
            for (auto& port : *ports)
                if (port.is_object()) port.get_object().erase("nodePort");
    if (needs_health_port(live) && !needs_health_port(updated)) drop_if_same("healthCheckNodePort");
    const bool was_balanced = Ref(live)["spec"]["type"].str() == "LoadBalancer";
    if (was_balanced && Ref(updated)["spec"]["type"].str() != "LoadBalancer") {
        drop_if_same("allocateLoadBalancerNodePorts");
        drop_if_same("loadBalancerClass");
    }
    if (externally_accessible(live) && !externally_accessible(updated)) drop_if_same("externalTrafficPolicy");
}

void prepare_service_update(json::object& updated, const json::object& live) {
    auto& spec = child(updated, "spec");
    keep_addresses(updated, live);
    keep_node_ports(updated, live);
    if (needs_health_port(live) && needs_health_port(updated) && zero(spec, "healthCheckNodePort"))
        if (const Ref old = Ref(live)["spec"]["healthCheckNodePort"]) spec["healthCheckNodePort"] = *old.value();
    drop_type_dependent(updated, live);
    if (!zero(spec, "clusterIP") && zero(spec, "clusterIPs")) spec["clusterIPs"] = json::array{spec["clusterIP"]};
    fill_families(updated);
}

}  // namespace kinds
