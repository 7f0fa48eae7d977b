// Slices on one side, the kernel's table on the other.
#include "sim/service_guard.h"

#include <fmt/format.h>

#include <algorithm>

namespace sim {

using namespace std::chrono_literals;

std::set<std::string> ready_endpoints(const World& world, const std::string& service) {
    std::set<std::string> out;
    for (const auto& slice : world.list({"discovery.k8s.io", "endpointslices"})) {
        if (slice->meta()["labels"]["kubernetes.io/service-name"].str() != service) continue;
        const auto port = (*slice)["ports"][std::size_t{0}]["port"].num();
        for (const Ref endpoint : (*slice)["endpoints"].items()) {
            const auto target = endpoint["targetRef"];
            const auto pod = world.get({{"", "pods"}, "default", std::string(target["name"].str())});
            if (!endpoint["conditions"]["ready"].flag() || !pod || pod->deleting()) continue;
            if (pod->uid() == target["uid"].str())
                out.insert(fmt::format("{}:{}", endpoint["addresses"][std::size_t{0}].str(), port));
        }
    }
    return out;
}

std::set<std::string> met_at(const World& world, const std::string& service) {
    const auto object = world.get({{"", "services"}, "default", service});
    if (!object) return {};
    const auto port = (*object)["spec"]["ports"][std::size_t{0}]["port"].num();
    return world.kernel().backends(std::string((*object)["spec"]["clusterIP"].str()), "tcp",
                                   static_cast<std::uint16_t>(port));
}

bool ServiceGuard::all_reachable(const World& world) {
    std::map<std::string, base::Time> missing;
    bool well = true;
    for (const auto& service : world.list({"", "services"})) {
        const std::string name(service->name());
        const auto met = met_at(world, name);
        for (const auto& endpoint : ready_endpoints(world, name)) {
            if (met.contains(endpoint)) continue;
            const auto key = name + " " + endpoint;
            const auto known = unreachable_since_.find(key);
            const auto since = known == unreachable_since_.end() ? world.now() : known->second;
            missing[key] = since;
            well = well && world.now() - since <= patience_;
        }
    }
    unreachable_since_ = std::move(missing);
    return well;
}

bool ServiceGuard::none_lost(const World& world) {
    const auto& pods = world.machine().pods();
    return std::ranges::all_of(world.kernel().addresses(), [&](const std::string& address) {
        return std::ranges::any_of(pods, [&](const auto& pod) { return pod.second.seen.ip == address; });
    });
}

void guard_services(World& world) {
    const auto guard = std::make_shared<ServiceGuard>(base::Duration(5s));
    world.always("each ready endpoint is met at its service",
                 [guard](const World& w) { return guard->all_reachable(w); });
    world.always("no rule leads to where no pod stands", ServiceGuard::none_lost);
}

}  // namespace sim
