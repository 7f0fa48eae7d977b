// Defaults of core/v1 kinds beside Pods and volumes, and of discovery's slices.
#include <cstdint>
#include <string>

#include "kinds/defaults.h"

namespace kinds {

static constexpr int session_affinity_s = 10800;

static void default_service_port(json::object& port) {
    fill_zero(port, "protocol", "TCP");
    fill_zero(port, "targetPort", Ref(port)["port"].num());
}

void default_service(json::object& service) {
    auto& spec = child(service, "spec");
    fill_zero(spec, "sessionAffinity", "None");
    const auto affinity = Ref(spec)["sessionAffinity"].str();
    if (affinity == "None") spec.erase("sessionAffinityConfig");
    if (affinity == "ClientIP") {
        auto& client = child(child(spec, "sessionAffinityConfig"), "clientIP");
        fill(client, "timeoutSeconds", session_affinity_s);
    }
    fill_zero(spec, "type", "ClusterIP");
    if (auto* ports = find_list(spec, "ports"))
        for (auto& port : *ports)
            if (auto* p = port.if_object()) default_service_port(*p);
    const auto type = Ref(spec)["type"].str();
    const bool opens_nodes = type == "NodePort" || type == "LoadBalancer";
    if (opens_nodes || (type == "ClusterIP" && Ref(spec)["externalIPs"].size() > 0))
        fill_zero(spec, "externalTrafficPolicy", "Cluster");
    if (opens_nodes || type == "ClusterIP") fill(spec, "internalTrafficPolicy", "Cluster");
    if (type == "LoadBalancer") fill(spec, "allocateLoadBalancerNodePorts", true);
    auto& balancer = child(child(service, "status"), "loadBalancer");
    if (type == "LoadBalancer")
        if (auto* ingress = find_list(balancer, "ingress"))
            for (auto& item : *ingress)
                if (auto* entry = item.if_object(); entry && !zero(*entry, "ip")) fill(*entry, "ipMode", "VIP");
}

static std::string base64(std::string_view text) {
    static constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < text.size(); i += 3) {
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 3; ++k)
            group = group << 8 | (i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0U);
        for (std::size_t k = 0; k < 4; ++k) out += i + k <= text.size() ? digits[group >> (18 - 6 * k) & 63] : '=';
    }
    return out;
}

void default_secret(json::object& secret) {
    fill_zero(secret, "type", "Opaque");
    // Text is only a way to write data: it never comes back.
    if (const auto* text = find_object(secret, "stringData")) {
        const json::object copy = *text;
        for (const auto& entry : copy)
            if (entry.value().is_string()) child(secret, "data")[entry.key()] = base64(entry.value().get_string());
    }
    secret.erase("stringData");
}

void default_namespace(json::object& ns) {
    fill_zero(child(ns, "status"), "phase", "Active");
    // Clients select namespaces by name through this label; nobody may change it.
    const std::string name{Ref(ns)["metadata"]["name"].str()};
    if (!name.empty()) child(child(ns, "metadata"), "labels")["kubernetes.io/metadata.name"] = name;
}

/// The one range and the first of all ranges are the same.
static void same_ranges(json::object& spec) {
    const auto one = std::string(Ref(spec)["podCIDR"].str());
    const auto first = Ref(spec)["podCIDRs"][0UL].str();
    if (one.empty() && !first.empty())
        spec["podCIDR"] = std::string(first);
    else if (!one.empty() && one != first)
        spec["podCIDRs"] = json::array{json::value(one)};
}

void default_node(json::object& node) {
    if (auto* spec = find_object(node, "spec")) same_ranges(*spec);
    auto& status = child(node, "status");
    if (zero(status, "allocatable") && !zero(status, "capacity"))
        status["allocatable"] = json::value(status["capacity"]);
}

void default_endpoints(json::object& endpoints) {
    auto* subsets = find_list(endpoints, "subsets");
    if (!subsets) return;
    for (auto& item : *subsets) {
        auto* subset = item.if_object();
        auto* ports = subset ? find_list(*subset, "ports") : nullptr;
        if (!ports) continue;
        for (auto& port : *ports)
            if (auto* p = port.if_object()) fill_zero(*p, "protocol", "TCP");
    }
}

void default_endpoint_slice(json::object& slice) {
    auto* ports = find_list(slice, "ports");
    if (!ports) return;
    for (auto& item : *ports) {
        auto* port = item.if_object();
        if (!port) continue;
        fill(*port, "name", "");
        fill(*port, "protocol", "TCP");
    }
}

/// Copies what `to` lacks from `from`, resource by resource.
static void fill_resources(json::object& limit, std::string_view to, std::string_view from) {
    const auto* source = find_object(limit, from);
    if (!source || source->empty()) return;
    const json::object copy = *source;
    auto& target = child(limit, to);
    for (const auto& entry : copy) fill(target, entry.key(), entry.value());
}

void default_limit_range(json::object& range) {
    auto* limits = find_list(child(range, "spec"), "limits");
    if (!limits) return;
    for (auto& item : *limits) {
        auto* limit = item.if_object();
        if (!limit || Ref(*limit)["type"].str() != "Container") continue;
        fill_resources(*limit, "default", "max");
        fill_resources(*limit, "defaultRequest", "default");
        fill_resources(*limit, "defaultRequest", "min");
    }
}

void default_event(json::object& event) {
    fill(event, "reportingComponent", "");
    fill(event, "reportingInstance", "");
}

}  // namespace kinds
