#include "verbs/addresses.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>
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

std::string_view protocol_of(Ref port) { return port["protocol"].str("TCP"); }

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
    for (const auto& port : spec["ports"].items())
        if (const auto number = Ref(port)["nodePort"].num())
            ports_.insert({std::string(protocol_of(port)), static_cast<int>(number)});
}

void Addresses::release(const json::object& service) {
    const Ref spec = Ref(service)["spec"];
    for (const auto& ip : spec["clusterIPs"].items())
        if (const auto address = parse_ip(Ref(ip).str())) addresses_.erase(*address);
    for (const auto& port : spec["ports"].items())
        if (const auto number = Ref(port)["nodePort"].num())
            ports_.erase({std::string(protocol_of(port)), static_cast<int>(number)});
}

std::vector<base::Cause> Addresses::allocate(json::object& service, const json::object* live, base::Rng& rng) const {
    std::vector<base::Cause> causes;
    auto& spec = object::child(service, "spec");
    if (Ref(spec)["type"].str() == "ExternalName") return causes;
    const auto* live_spec = live ? Ref(*live)["spec"].as_object() : nullptr;
    if (auto cause = give_address(spec, live_spec, rng)) causes.push_back(std::move(*cause));
    if (takes_node_ports(spec)) give_ports(spec, live_spec, rng, causes);
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

int Addresses::free_port(std::string_view protocol, const std::set<Port>& taken, base::Rng& rng) const {
    const auto count = static_cast<std::uint64_t>(port_max_ - port_min_ + 1);
    const auto start = rng.below(count);
    for (std::uint64_t i = 0; i < count; ++i) {
        const Port port{std::string(protocol), port_min_ + static_cast<int>((start + i) % count)};
        if (!ports_.contains(port) && !taken.contains(port)) return port.number;
    }
    return 0;
}

void Addresses::give_ports(json::object& spec, const json::object* live, base::Rng& rng,
                           std::vector<base::Cause>& causes) const {
    std::set<Port> own, given;
    if (live)
        for (const auto& port : Ref(*live)["ports"].items())
            if (const auto number = Ref(port)["nodePort"].num())
                own.insert({std::string(protocol_of(port)), static_cast<int>(number)});
    auto& ports = object::list(spec, "ports");
    for (std::size_t i = 0; i < ports.size(); ++i) {
        auto& port = ports[i].as_object();
        const auto protocol = std::string(protocol_of(Ref(port)));
        const auto wanted = static_cast<int>(Ref(port)["nodePort"].num());
        const auto field = fmt::format("spec.ports[{}].nodePort", i);
        const Port asked{protocol, wanted};
        if (wanted == 0) {
            const int number = free_port(protocol, given, rng);
            if (number == 0)
                causes.push_back(
                    {"FieldValueInvalid", "Invalid value: 0: failed to allocate a nodePort: range is full", field});
            else
                port["nodePort"] = number, given.insert({protocol, number});
        } else if (wanted < port_min_ || wanted > port_max_) {
            causes.push_back({"FieldValueInvalid",
                              fmt::format("Invalid value: {}: provided port is not in the valid range. The range of "
                                          "valid ports is {}-{}",
                                          wanted, port_min_, port_max_),
                              field});
        } else if ((ports_.contains(asked) && !own.contains(asked)) || !given.insert(asked).second) {
            causes.push_back({"FieldValueInvalid",
                              fmt::format("Invalid value: {}: provided port is already allocated", wanted), field});
        }
    }
}

}  // namespace verbs
