// Validation of Services: ports, types, addresses, traffic, and what may not change once given.
#include <algorithm>
#include <set>
#include <string>

#include "kinds/validate.h"

namespace kinds {

static constexpr std::int64_t affinity_s_max = 86400;

static bool is_headless(Ref service) { return service["spec"]["clusterIP"].str() == "None"; }
static bool is_type(Ref service, std::initializer_list<std::string_view> types) {
    return std::ranges::find(types, service["spec"]["type"].str()) != types.end();
}

/// This cluster has IPv4 alone; a headless Service without selector may still ask for more.
static void check_families(Checks& checks, Ref service) {
    const Ref spec = service["spec"];
    if (!is_type(service, {"ClusterIP", "NodePort", "LoadBalancer"})) return;
    if (is_headless(service) && spec["selector"].size() == 0) return;
    if (spec["ipFamilyPolicy"].str() == "RequireDualStack")
        checks.invalid("spec.ipFamilyPolicy", shown("RequireDualStack"),
                       "this cluster is not configured for dual-stack services");
    const auto& families = spec["ipFamilies"].items();
    for (std::size_t i = 0; i < families.size(); ++i)
        if (Ref(families[i]).str() == "IPv6")
            checks.invalid(Path("spec.ipFamilies")[i], shown("IPv6"), "not configured on this cluster");
}

static void check_external_name(Checks& checks, Ref spec) {
    if (spec["clusterIPs"].size() > 0) checks.forbidden("spec.clusterIPs", "may not be set for ExternalName services");
    for (const auto* field : {"ipFamilies", "ipFamilyPolicy"})
        if (const Ref value = spec[field]; value.size() > 0 || !value.str().empty())
            checks.forbidden(Path("spec") / field, "may not be set for ExternalName services");
    auto name = spec["externalName"].str();
    if (name.ends_with('.')) name.remove_suffix(1);
    if (name.empty())
        checks.required("spec.externalName");
    else
        complain(checks, "spec.externalName", name, dns_subdomain(name));
}

static void check_target_port(Checks& checks, const Path& at, Ref port) {
    if (port.value() && port.value()->is_string()) return complain(checks, at, port.str(), port_name(port.str()));
    if (!port_number(port.num()).empty()) checks.invalid(at, shown(port.num()), port_number(port.num()).front());
}

static void check_ports_of(Checks& checks, Ref spec) {
    std::set<std::string> names;
    const auto& ports = spec["ports"].items();
    for (std::size_t i = 0; i < ports.size(); ++i) {
        const Ref port(ports[i]);
        const auto at = Path("spec.ports")[i];
        const auto name = port["name"].str();
        if (name.empty() && ports.size() > 1) checks.required(at / "name");
        if (!name.empty()) {
            complain(checks, at / "name", name, dns_label(name));
            if (!names.emplace(name).second) checks.duplicate(at / "name", shown(name));
        }
        if (const auto number = port["port"].num(); !port_number(number).empty())
            checks.invalid(at / "port", shown(number), port_number(number).front());
        if (port["protocol"].str().empty())
            checks.required(at / "protocol");
        else
            checks.one_of(at / "protocol", port["protocol"], {"TCP", "UDP", "SCTP"});
        check_target_port(checks, at / "targetPort", port["targetPort"]);
        if (const auto app = port["appProtocol"].str(); !app.empty())
            complain(checks, at / "appProtocol", app, qualified_name(app));
    }
}

static void check_affinity_of(Checks& checks, Ref spec) {
    const auto affinity = spec["sessionAffinity"].str();
    const Path config("spec.sessionAffinityConfig");
    if (affinity.empty())
        checks.required("spec.sessionAffinity");
    else
        checks.one_of("spec.sessionAffinity", spec["sessionAffinity"], {"ClientIP", "None"});
    if (affinity == "ClientIP") {
        const Ref timeout = spec["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"];
        if (!timeout)
            checks.required(config, "when session affinity type is ClientIP");
        else if (timeout.num() <= 0 || timeout.num() > affinity_s_max)
            checks.invalid(config / "clientIP" / "timeoutSeconds", shown(timeout),
                           "must be greater than 0 and less than 86400");
    } else if (affinity == "None" && spec["sessionAffinityConfig"]) {
        checks.forbidden(config, "must not be set when session affinity is None");
    }
}

static void check_cluster_ips(Checks& checks, Ref service) {
    const Ref spec = service["spec"];
    if (is_type(service, {"ExternalName"})) return;
    const Path at("spec.clusterIPs");
    const auto& addresses = spec["clusterIPs"].items();
    const auto& families = spec["ipFamilies"].items();
    if (!addresses.empty() && Ref(addresses[0]).str() != spec["clusterIP"].str())
        checks.invalid(at, shown(spec["clusterIPs"]), "first value must match `clusterIP`");
    std::set<std::string> seen;
    for (std::size_t i = 0; i < families.size(); ++i) {
        checks.one_of(Path("spec.ipFamilies")[i], families[i], {"IPv4", "IPv6"});
        if (!seen.emplace(Ref(families[i]).str()).second)
            checks.duplicate(Path("spec.ipFamilies")[i], shown(Ref(families[i]).str()));
    }
    if (spec["ipFamilyPolicy"])
        checks.one_of("spec.ipFamilyPolicy", spec["ipFamilyPolicy"],
                      {"SingleStack", "PreferDualStack", "RequireDualStack"});
    if (addresses.size() > 2) checks.invalid(at, shown(spec["clusterIPs"]), "may only hold up to 2 values");
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        const auto address = Ref(addresses[i]).str();
        if (i == 0 && address == "None") {
            if (addresses.size() > 1) checks.invalid(at, shown("None"), "'None' must be the first and only value");
            return;
        }
        complain(checks, at[i], address, ip_address(address));
    }
}

static void check_external_ips(Checks& checks, Ref addresses) {
    const auto& items = addresses.items();
    for (std::size_t i = 0; i < items.size(); ++i) {
        const auto at = Path("spec.externalIPs")[i];
        const auto address = Ref(items[i]).str();
        complain(checks, at, address, ip_address(address));
        const bool special = address.starts_with("127.") || address.starts_with("169.254.") ||
                             address.starts_with("224.0.0.") || address == "0.0.0.0" || address == "::" ||
                             address == "::1";
        if (special) checks.invalid(at, shown(address), "may not be unspecified, loopback, link-local or multicast");
    }
}

/// The same protocol and number may stand only once, in the Service and on the node.
static void check_port_conflicts(Checks& checks, Ref service) {
    const auto& ports = service["spec"]["ports"].items();
    if (is_type(service, {"ClusterIP"}))
        for (std::size_t i = 0; i < ports.size(); ++i)
            if (Ref(ports[i])["nodePort"].num() != 0)
                checks.forbidden(Path("spec.ports")[i] / "nodePort", "may not be used when `type` is 'ClusterIP'");
    std::set<std::string> on_nodes, own;
    const auto key = [](Ref port, std::int64_t number) {
        return std::string(port["protocol"].str()) + "/" + std::to_string(number);
    };
    for (std::size_t i = 0; i < ports.size(); ++i) {
        const Ref port(ports[i]);
        const auto number = port["nodePort"].num();
        if (number != 0 && !on_nodes.insert(key(port, number)).second)
            checks.duplicate(Path("spec.ports")[i] / "nodePort", shown(number));
    }
    for (std::size_t i = 0; i < ports.size(); ++i)
        if (!own.insert(key(ports[i], Ref(ports[i])["port"].num())).second)
            checks.duplicate(Path("spec.ports")[i], shown(Ref(ports[i])));
}

static void check_load_balancer(Checks& checks, Ref service) {
    const Ref spec = service["spec"];
    const bool balanced = is_type(service, {"LoadBalancer"});
    const Path ranges("spec.LoadBalancerSourceRanges");
    const auto& items = spec["loadBalancerSourceRanges"].items();
    if (!items.empty() && !balanced) checks.forbidden(ranges, "may only be used when `type` is 'LoadBalancer'");
    for (std::size_t i = 0; i < items.size(); ++i)
        complain(checks, ranges[i], Ref(items[i]).str(), cidr(Ref(items[i]).str()));
    if (!balanced)
        for (const auto* field : {"allocateLoadBalancerNodePorts", "loadBalancerClass"})
            if (spec[field]) checks.forbidden(Path("spec") / field, "may only be used when `type` is 'LoadBalancer'");
    if (const auto name = spec["loadBalancerClass"].str(); balanced && !name.empty())
        complain(checks, "spec.loadBalancerClass", name, qualified_name(name));
}

static void check_traffic(Checks& checks, Ref service) {
    const Ref spec = service["spec"];
    const Path external("spec.externalTrafficPolicy");
    const Ref policy = spec["externalTrafficPolicy"];
    const bool open = is_type(service, {"NodePort", "LoadBalancer"}) ||
                      (is_type(service, {"ClusterIP"}) && spec["externalIPs"].size() > 0);
    if (!open && !policy.str().empty())
        checks.invalid(external, shown(policy), "may only be set for externally-accessible services");
    if (open && policy.str().empty()) checks.required(external);
    if (open && !policy.str().empty()) checks.one_of(external, policy, {"Cluster", "Local"});
    const bool health = is_type(service, {"LoadBalancer"}) && policy.str() == "Local";
    if (const auto port = spec["healthCheckNodePort"].num(); port != 0 && !health)
        checks.invalid("spec.healthCheckNodePort", shown(port),
                       "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'");
    if (spec["internalTrafficPolicy"])
        checks.one_of("spec.internalTrafficPolicy", spec["internalTrafficPolicy"], {"Cluster", "Local"});
    else if (is_type(service, {"ClusterIP", "NodePort", "LoadBalancer"}))
        checks.required("spec.internalTrafficPolicy");
    if (spec["trafficDistribution"])
        checks.one_of("spec.trafficDistribution", spec["trafficDistribution"],
                      {"PreferClose", "PreferSameZone", "PreferSameNode"});
}

/// The old annotation and the new one may not disagree.
static void check_topology_annotations(Checks& checks, Ref annotations) {
    constexpr auto mode = "service.kubernetes.io/topology-mode";
    const Ref now = annotations[mode];
    const Ref old = annotations["service.kubernetes.io/topology-aware-hints"];
    if (now && old && now.str() != old.str())
        checks.invalid(Path("metadata.annotations").key(mode), shown(now),
                       "must match annotations[service.kubernetes.io/topology-aware-hints] when both are specified");
}

void validate_service(Checks& checks, Ref service) {
    const Ref spec = service["spec"];
    Checks families;
    check_families(families, service);
    // Addresses are given out before anything else is looked at.
    if (families.any()) return checks.add(families.take());
    check_topology_annotations(checks, service["metadata"]["annotations"]);
    if (spec["ports"].size() == 0 && !is_headless(service) && !is_type(service, {"ExternalName"}))
        checks.required("spec.ports");
    if (is_headless(service) && is_type(service, {"NodePort", "LoadBalancer"}))
        checks.invalid(Path("spec.clusterIPs")[0], shown("None"),
                       "may not be set to 'None' for " + std::string(spec["type"].str()) + " services");
    if (is_type(service, {"ExternalName"})) check_external_name(checks, spec);
    check_ports_of(checks, spec);
    check_labels(checks, "spec.selector", spec["selector"]);
    check_affinity_of(checks, spec);
    check_cluster_ips(checks, service);
    check_external_ips(checks, spec["externalIPs"]);
    if (spec["type"].str().empty())
        checks.required("spec.type");
    else
        checks.one_of("spec.type", spec["type"], {"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"});
    check_port_conflicts(checks, service);
    check_load_balancer(checks, service);
    check_traffic(checks, service);
}

/// Which of an address's ways a balancer takes: said exactly where there is an address.
static void check_ip_modes(Checks& checks, Ref ingress) {
    const auto& items = ingress.items();
    for (std::size_t i = 0; i < items.size(); ++i) {
        const auto at = Path("status.loadBalancer.ingress")[i] / "ipMode";
        const Ref mode = Ref(items[i])["ipMode"];
        const bool has_ip = !Ref(items[i])["ip"].str().empty();
        if (!mode && has_ip) checks.required(at, "must be specified when `ip` is set");
        if (mode && !has_ip)
            checks.forbidden(at, "may not be specified when `ip` is not set");
        else if (mode)
            checks.one_of(at, mode, {"Proxy", "VIP"});
    }
}

void validate_service_status(Checks& checks, const UpdateCheck& update) {
    const Ref ingress = update.updated["status"]["loadBalancer"]["ingress"];
    if (ingress.size() > 0 && !is_type(update.updated, {"LoadBalancer"}))
        return checks.forbidden("status.loadBalancer.ingress", "may only be used when `spec.type` is LoadBalancer");
    validate_balancer_status(checks, update);
    check_ip_modes(checks, ingress);
}

void validate_service_update(Checks& checks, const UpdateCheck& update) {
    const Ref now = update.updated["spec"];
    const Ref before = update.live["spec"];
    if (is_type(update.live, {"ExternalName"}) || is_type(update.updated, {"ExternalName"})) return;
    for (const auto* field : {"clusterIPs", "ipFamilies"}) {
        const Ref new_first = now[field][0UL];
        const Ref old_first = before[field][0UL];
        if (new_first && old_first && new_first.str() != old_first.str())
            checks.invalid((Path("spec") / field)[0], shown(now[field]), "may not change once set");
    }
    const bool stayed = is_type(update.live, {"LoadBalancer"}) && is_type(update.updated, {"LoadBalancer"});
    if (stayed && now["loadBalancerClass"].str() != before["loadBalancerClass"].str())
        checks.invalid("spec.loadBalancerClass", shown(now["loadBalancerClass"]), "may not change once set");
}

}  // namespace kinds
