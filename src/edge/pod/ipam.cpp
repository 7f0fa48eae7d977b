// Round robin over the pod network.
#include "edge/pod/ipam.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>

namespace edge {

base::Result<std::uint32_t> parse_ipv4(const std::string& text) {
    in_addr address{};
    if (::inet_pton(AF_INET, text.c_str(), &address) != 1) {
        return base::fail(base::Code::bad_request, "not an IPv4 address: " + text);
    }
    return ntohl(address.s_addr);
}

std::string ipv4_text(std::uint32_t a) {
    return fmt::format("{}.{}.{}.{}", a >> 24, (a >> 16) & 255, (a >> 8) & 255, a & 255);
}

base::Result<Cidr> parse_cidr(const std::string& text) {
    const auto slash = text.find('/');
    int prefix = -1;
    if (slash != std::string::npos) std::from_chars(text.data() + slash + 1, text.data() + text.size(), prefix);
    if (prefix < 1 || prefix > 32) return base::fail(base::Code::bad_request, "not an IPv4 network: " + text);
    const auto address = TRY(parse_ipv4(text.substr(0, slash)));
    const auto hosts = static_cast<std::uint32_t>((std::uint64_t{1} << (32 - prefix)) - 1);
    return Cidr{address & ~hosts, prefix};
}

base::Result<Ipam> Ipam::create(const std::string& cidr) {
    const auto parsed = TRY(parse_cidr(cidr));
    if (parsed.prefix > 29) return base::fail(base::Code::bad_request, "too few addresses for pods: " + cidr);
    return Ipam(parsed.network, parsed.prefix);
}

base::Result<std::string> Ipam::take(const std::string& owner) {
    if (const auto known = addresses_.find(owner); known != addresses_.end()) return ipv4_text(known->second);
    const auto first = network_ + 2;
    for (auto tried = first; tried < end(); ++tried) {
        last_ = last_ + 1 < first || last_ + 1 >= end() ? first : last_ + 1;
        if (owners_.contains(last_)) continue;
        owners_[last_] = owner;
        addresses_[owner] = last_;
        return ipv4_text(last_);
    }
    return base::fail(base::Code::unavailable,
                      fmt::format("no pod address is free in {}/{}", ipv4_text(network_), prefix_));
}

base::Result<void> Ipam::adopt(const std::string& owner, const std::string& address) {
    const auto number = TRY(parse_ipv4(address));
    if (number < network_ + 2 || number >= end())
        return base::fail(base::Code::invalid, "not of the pod network: " + address);
    const auto [place, fresh] = owners_.try_emplace(number, owner);
    if (!fresh && place->second != owner)
        return base::fail(base::Code::conflict, address + " belongs to " + place->second);
    addresses_[owner] = number;
    last_ = std::max(last_, number);
    return {};
}

void Ipam::release(const std::string& owner) {
    const auto known = addresses_.find(owner);
    if (known == addresses_.end()) return;
    owners_.erase(known->second);
    addresses_.erase(known);
}

std::string Ipam::gateway() const { return ipv4_text(network_ + 1); }

}  // namespace edge
