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

    /// Gives the Service what it asks for or lacks (clusterIP, clusterIPs, node ports, health check port), writing it
    /// into `service`; what `live` (null: a create) already holds is its own. Causes name what cannot be had. Nothing
    /// is held yet.
    std::vector<base::Cause> allocate(object::json::object& service, const object::json::object* live,
                                      base::Rng& rng) const;

 private:
    /// What one Service has already, and what it was given so far.
    struct Wish {
        bool is_new = false;
        std::set<int> own, given;
        base::Rng& rng;
    };
    std::uint32_t base_ = 0, size_ = 0;
    int port_min_, port_max_;
    std::set<std::uint32_t> addresses_;
    std::multiset<int> ports_;  ///< a Service may hold one number for two protocols

    std::optional<base::Cause> give_address(object::json::object& spec, const object::json::object* live,
                                            base::Rng& rng) const;
    std::optional<base::Cause> give_ports(object::json::object& spec, Wish& wish) const;
    std::optional<base::Cause> give_port(object::json::object& holder, std::string_view key, std::string field,
                                         Wish& wish) const;
    int free_port(const Wish& wish) const;
};

}  // namespace verbs
