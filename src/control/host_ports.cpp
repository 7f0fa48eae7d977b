#include "control/host_ports.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace control {
namespace {

using object::Ref;

std::vector<Ref> host_ports(Ref pod) {
    std::vector<Ref> ports;
    const auto add = [&](Ref container) {
        for (const Ref port : container["ports"].items())
            if (port["hostPort"].num() != 0) ports.push_back(port);
    };
    for (const Ref init : pod["spec"]["initContainers"].items())
        if (init["restartPolicy"].str() == "Always") add(init);
    for (const Ref container : pod["spec"]["containers"].items()) add(container);
    return ports;
}

}  // namespace

bool ports_collide(Ref pod, Ref other) {
    const auto mine = host_ports(pod);
    if (mine.empty()) return false;
    const auto address = [](Ref port) {
        const auto ip = port["hostIP"].str();
        return ip == "0.0.0.0" ? std::string_view() : ip;
    };
    const auto theirs = host_ports(other);
    return std::ranges::any_of(mine, [&](Ref a) {
        return std::ranges::any_of(theirs, [&](Ref b) {
            return a["hostPort"].num() == b["hostPort"].num() && a["protocol"].str("TCP") == b["protocol"].str("TCP") &&
                   (address(a).empty() || address(b).empty() || address(a) == address(b));
        });
    });
}

}  // namespace control
