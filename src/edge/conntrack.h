// Connection tracking entries, by netlink (ctnetlink).
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace edge {

enum class FlowFilter : std::uint8_t {
    /// Entries whose connection is over, or that have none: closed TCP, and all of UDP. A new connection from the same
    /// port would be led by them to where the old one went. Those being opened or closed are let finish.
    past,
    all,
};

/// Deletes the entries of this network namespace whose answers come from one of the addresses (IPv4), which is where
/// their traffic is translated to or goes.
base::Result<void> delete_flows(const std::vector<std::string>& addresses, FlowFilter which);

}  // namespace edge
