#include "verbs/addresses.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>
#include <map>
#include <optional>

namespace verbs {

using object::Ref;
namespace json = object::json;

namespace {

std::optional<std::uint32_t> parse_ip(std::string_view text) {
    in_addr address{};
    if (inet_pton(AF_INET, std::string(text).c_str(), &address) != 1) return std::nullopt;
    return ntohl(address.s_addr);
}

std::string ip_text(std::uint32_t address) {
    return fmt::format("{}.{}.{}.{}", address >> 24, (address >> 16) & 255, (address >> 8) & 255, address & 255);
}

bool takes_node_ports(Ref spec) {
    const auto type = spec["type"].str();
    return type == "NodePort" || (type == "LoadBalancer" && spec["allocateLoadBalancerNodePorts"].flag(true));
}

bool takes_health_port(Ref spec) {
    return spec["type"].str() == "LoadBalancer" && spec["externalTrafficPolicy"].str() == "Local";
}

bool zero_port(const json::object& port) { return Ref(port)["nodePort"].num() == 0; }

/// Every port of the node that a Service has, its health check's too.
template <class Seen>
void each_port(Ref spec, const Seen& seen) {
    for (const auto& port : spec["ports"].items())
        if (const auto number = Ref(port)["nodePort"].num()) seen(static_cast<int>(number));
    if (const auto number = spec["healthCheckNodePort"].num()) seen(static_cast<int>(number));
}

}  // namespace

Addresses::Addresses(std::string_view cidr, int port_min, int port_max) : port_min_(port_min), port_max_(port_max) {
    const auto slash = cidr.find('/');
    const auto address = parse_ip(cidr.substr(0, slash));
    int bits = 0;
    if (slash != cidr.npos) std::from_chars(cidr.data() + slash + 1, cidr.data() + cidr.size(), bits);
    base::check(address && bits > 0 && bits < 31, "the service range is an IPv4 range like 10.96.0.0/16");
    size_ = 1U << (32 - bits);
    base_ = *address & ~(size_ - 1);
}

void Addresses::hold(const json::object& service) {
    const Ref spec = Ref(service)["spec"];
    for (const auto& ip : spec["clusterIPs"].items())
        if (const auto address = parse_ip(Ref(ip).str())) addresses_.insert(*address);
    each_port(spec, [&](int number) { ports_.insert(number); });
}

void Addresses::release(const json::object& service) {
    const Ref spec = Ref(service)["spec"];
    for (const auto& ip : spec["clusterIPs"].items())
        if (const auto address = parse_ip(Ref(ip).str())) addresses_.erase(*address);
    each_port(spec, [&](int number) {
        if (const auto held = ports_.find(number); held != ports_.end()) ports_.erase(held);
    });
}

std::vector<base::Cause> Addresses::allocate(json::object& service, const json::object* live, base::Rng& rng) const {
    std::vector<base::Cause> causes;
    auto& spec = object::child(service, "spec");
    if (Ref(spec)["type"].str() == "ExternalName") return causes;
    const auto* live_spec = live ? Ref(*live)["spec"].as_object() : nullptr;
    if (auto cause = give_address(spec, live_spec, rng)) causes.push_back(std::move(*cause));
    Wish wish{.is_new = !live_spec, .own = {}, .given = {}, .rng = rng};
    if (live_spec) each_port(Ref(*live_spec), [&](int number) { wish.own.insert(number); });
    if (auto cause = give_ports(spec, wish)) {
        causes.push_back(std::move(*cause));
    } else if (takes_health_port(spec)) {
        if (auto refused = give_port(spec, "healthCheckNodePort", "spec.healthCheckNodePort", wish))
            causes.push_back(std::move(*refused));
    }
    return causes;
}

std::optional<base::Cause> Addresses::give_address(json::object& spec, const json::object* live, base::Rng& rng) const {
    const auto wanted = std::string(Ref(spec)["clusterIP"].str());
    if (wanted == "None") return std::nullopt;
    const auto refuse = [](std::string_view ip, std::string_view why) {
        return base::Cause{"FieldValueInvalid",
                           fmt::format("Invalid value: [\"{}\"]: failed to allocate IP {}: {}", ip, ip, why),
                           "spec.clusterIPs"};
    };
    if (!wanted.empty()) {
        const auto address = parse_ip(wanted);
        if (live && Ref(*live)["clusterIP"].str() == wanted) return std::nullopt;
        if (!address || *address <= base_ || *address >= base_ + size_ - 1)
            return refuse(wanted, fmt::format("the provided IP is not in the valid range {}-{}", ip_text(base_ + 1),
                                              ip_text(base_ + size_ - 2)));
        if (addresses_.contains(*address)) return refuse(wanted, "provided IP is already allocated");
        return std::nullopt;
    }
    // The low part of the range is left for addresses that are asked for, as upstream does.
    const std::uint32_t low = std::min<std::uint32_t>(256, size_ / 16), usable = size_ - 2 - low;
    const auto start = rng.below(usable);
    for (std::uint32_t i = 0; i < usable; ++i) {
        const auto address = base_ + 1 + low + static_cast<std::uint32_t>((start + i) % usable);
        if (addresses_.contains(address)) continue;
        spec["clusterIP"] = ip_text(address);
        spec["clusterIPs"] = json::array{json::value(ip_text(address))};
        return std::nullopt;
    }
    return refuse("", "range is full");
}

int Addresses::free_port(const Wish& wish) const {
    const auto count = static_cast<std::uint64_t>(port_max_ - port_min_ + 1);
    const auto start = wish.rng.below(count);
    for (std::uint64_t i = 0; i < count; ++i) {
        const int port = port_min_ + static_cast<int>((start + i) % count);
        if (!ports_.contains(port) && !wish.given.contains(port)) return port;
    }
    return 0;
}

std::optional<base::Cause> Addresses::give_port(json::object& holder, std::string_view key, std::string field,
                                                Wish& wish) const {
    const auto wanted = static_cast<int>(Ref(holder)[key].num());
    const auto refuse = [&](std::string_view why) {
        return base::Cause{"FieldValueInvalid", fmt::format("Invalid value: {}: {}", wanted, why), std::move(field)};
    };
    if (wanted == 0) {
        const int number = free_port(wish);
        if (number == 0) return refuse("failed to allocate a nodePort: range is full");
        holder[key] = number;
        wish.given.insert(number);
        return std::nullopt;
    }
    if (wish.own.contains(wanted) || wish.given.contains(wanted)) return std::nullopt;
    if (wanted < port_min_ || wanted > port_max_)
        return refuse(fmt::format("provided port is not in the valid range. The range of valid ports is {}-{}",
                                  port_min_, port_max_));
    if (ports_.contains(wanted)) return refuse("provided port is already allocated");
    wish.given.insert(wanted);
    return std::nullopt;
}

std::optional<base::Cause> Addresses::give_ports(json::object& spec, Wish& wish) const {
    if (Ref(spec)["ports"].size() == 0) return std::nullopt;
    const bool all = takes_node_ports(spec);
    std::map<std::int64_t, std::int64_t> by_port;  // one port served by two protocols has one port on the node
    auto& ports = object::list(spec, "ports");
    for (const auto& port : ports)
        if (const auto number = Ref(port)["nodePort"].num()) by_port.try_emplace(Ref(port)["port"].num(), number);
    for (std::size_t i = 0; i < ports.size(); ++i) {
        auto& port = ports[i].as_object();
        if (!all && zero_port(port)) continue;
        const auto number = Ref(port)["port"].num();
        if (const auto same = by_port.find(number); wish.is_new && zero_port(port) && same != by_port.end())
            port["nodePort"] = same->second;
        if (auto cause = give_port(port, "nodePort", fmt::format("spec.ports[{}].nodePort", i), wish)) return cause;
        by_port.try_emplace(number, Ref(port)["nodePort"].num());
    }
    return std::nullopt;
}

}  // namespace verbs
