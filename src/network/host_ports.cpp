// Reads container ports out of pods.
#include "network/host_ports.h"

#include <algorithm>
#include <cctype>

namespace network {
namespace {

using object::Ref;

constexpr std::string_view any_address = "0.0.0.0";

/// Init containers have ports only while they are sidecars.
template <class Visit>
void each_port(const object::Object& pod, Visit visit) {
    const auto spec = pod["spec"];
    for (const Ref init : spec["initContainers"].items())
        if (init["restartPolicy"].str() == "Always")
            for (const Ref port : init["ports"].items()) visit(port);
    for (const Ref container : spec["containers"].items())
        for (const Ref port : container["ports"].items()) visit(port);
}

PortRule rule_of(Ref port, std::string_view pod_ip) {
    std::string protocol(port["protocol"].str("TCP"));
    std::ranges::transform(protocol, protocol.begin(), [](unsigned char c) { return std::tolower(c); });
    const auto host_port = static_cast<std::uint16_t>(port["hostPort"].num());
    const auto host_ip = port["hostIP"].str();
    PortRule rule{.protocol = std::move(protocol),
                  .port = host_port,
                  .backends = {{std::string(pod_ip), static_cast<std::uint16_t>(port["containerPort"].num())}}};
    if (host_ip.empty() || host_ip == any_address)
        rule.node_port = host_port;
    else
        rule.addresses.emplace_back(host_ip);
    return rule;
}

}  // namespace

ServiceName host_ports_name(std::string_view ns, std::string_view pod) {
    return {std::string(ns), "host/" + std::string(pod)};
}

bool has_host_ports(const object::Object& pod) {
    bool any = false;
    if (!pod["spec"]["hostNetwork"].flag()) each_port(pod, [&](Ref port) { any = any || port["hostPort"].num() != 0; });
    return any;
}

std::vector<PortRule> host_port_rules(const object::Object& pod) {
    std::vector<PortRule> rules;
    const auto phase = pod["status"]["phase"].str(), ip = pod["status"]["podIP"].str();
    const bool over = pod.deleting() || phase == "Succeeded" || phase == "Failed";
    if (over || ip.empty() || ip.find(':') != ip.npos || !has_host_ports(pod)) return rules;
    each_port(pod, [&](Ref port) {
        const bool other_family = port["hostIP"].str().find(':') != std::string_view::npos;
        if (port["hostPort"].num() != 0 && !other_family) rules.push_back(rule_of(port, ip));
    });
    return rules;
}

}  // namespace network
