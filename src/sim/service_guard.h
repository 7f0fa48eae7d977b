// The promise of a service, checked at every change: a ready endpoint that has stood a while is met at the service's
// address, and rules lead to nothing but pods that stand on the machine.
#pragma once

#include <map>
#include <string>

#include "sim/world.h"

namespace sim {

class ServiceGuard {
 public:
    /// How long a transaction of rules may take, refusals of the kernel included.
    explicit ServiceGuard(base::Duration patience) : patience_(patience) {}
    /// Watches the services of namespace default.
    bool all_reachable(const World& world);
    static bool none_lost(const World& world);

 private:
    base::Duration patience_;
    std::map<std::string, base::Time> unreachable_since_;  ///< "service ip:port"
};

/// Adds both promises to the world.
void guard_services(World& world);

/// "ip:port" of the ready endpoints of a service whose pods nobody has taken away.
std::set<std::string> ready_endpoints(const World& world, const std::string& service);
/// Where the rules may lead a connection to the first port of the service.
std::set<std::string> met_at(const World& world, const std::string& service);

}  // namespace sim
