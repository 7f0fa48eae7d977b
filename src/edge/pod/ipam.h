// Addresses of pods: the next free one after the last given, so that an address rests as long as it can before it comes
// again (stale connections to a dead pod must not meet a new one). Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/result.h"

namespace edge {

class Ipam {
 public:
    /// "10.244.0.0/24". The first address is the gateway's; the network's and the broadcast address are never given.
    static base::Result<Ipam> create(const std::string& cidr);

    /// The owner's address; the same again when it has one. Error: all are taken.
    base::Result<std::string> take(const std::string& owner);
    /// What an owner has from earlier. Error: another owner has it, or it is no address of pods.
    base::Result<void> adopt(const std::string& owner, const std::string& address);
    void release(const std::string& owner);

    std::string gateway() const;
    int prefix() const { return prefix_; }

 private:
    Ipam(std::uint32_t network, int prefix) : network_(network), prefix_(prefix), last_(network + 1) {}
    std::uint32_t end() const { return network_ + (std::uint32_t{1} << (32 - prefix_)) - 1; }

    std::uint32_t network_;
    int prefix_;
    std::uint32_t last_;
    std::map<std::uint32_t, std::string> owners_;
    std::map<std::string, std::uint32_t> addresses_;
};

/// IPv4 text to a number in host order, and back.
base::Result<std::uint32_t> parse_ipv4(const std::string& text);
std::string ipv4_text(std::uint32_t address);
struct Cidr {
    std::uint32_t network;
    int prefix;
};
base::Result<Cidr> parse_cidr(const std::string& text);

}  // namespace edge
