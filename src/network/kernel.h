// The ports of the network room: the kernel's packet rules and connection tracking.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace network {

/// One nftables transaction as libnftables JSON ({"nftables": [...]}) : all or nothing.
class Kernel {
 public:
    virtual ~Kernel() = default;
    /// Applied on an edge thread; `done` on the loop. Calls are carried out in order.
    virtual void apply(std::string nftables_json, std::move_only_function<void(base::Result<void>)> done) = 0;
    enum class Flows : std::uint8_t { not_established, all };
    /// Deletes connection tracking entries whose traffic is translated to (or goes to) one of these addresses.
    virtual void forget_flows(std::vector<std::string> addresses, Flows which,
                              std::move_only_function<void(base::Result<void>)> done) = 0;
};

}  // namespace network
