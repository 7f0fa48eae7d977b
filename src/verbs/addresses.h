// Which service addresses and node ports are taken. Built from the store once, then kept with every write of a Service.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/rng.h"
#include "object/json.h"

namespace verbs {

class Addresses {
 public:
    /// `cidr` as 10.96.0.0/16; a broken one is a broken invariant (settings are checked where they are read).
    Addresses(std::string_view cidr, int port_min, int port_max);

    /// Notes what a stored Service holds, or no longer holds.
    void hold(const object::json::object& service);
    void release(const object::json::object& service);

    /// Gives the Service what it asks for or lacks (clusterIP, clusterIPs, node ports), writing it into `service`;
    /// what `live` (null: a create) already holds is its own. Causes name what cannot be had. Nothing is held yet.
    std::vector<base::Cause> allocate(object::json::object& service, const object::json::object* live,
                                      base::Rng& rng) const;

 private:
    struct Port {
        std::string protocol;
        int number;
        auto operator<=>(const Port&) const = default;
    };
    std::uint32_t base_ = 0, size_ = 0;
    int port_min_, port_max_;
    std::set<std::uint32_t> addresses_;
    std::set<Port> ports_;

    std::optional<base::Cause> give_address(object::json::object& spec, const object::json::object* live,
                                            base::Rng& rng) const;
    void give_ports(object::json::object& spec, const object::json::object* live, base::Rng& rng,
                    std::vector<base::Cause>& causes) const;
    int free_port(std::string_view protocol, const std::set<Port>& taken, base::Rng& rng) const;
};

}  // namespace verbs
