// Counting what may be missing: a pod that a fault hit is excused until it serves again or is made up for.
#include "sim/rollout_guard.h"

#include <algorithm>

#include "sim/service_guard.h"

namespace sim {

using namespace std::chrono_literals;

static bool pod_ready(const object::Object& pod) {
    for (const auto& one : pod["status"]["conditions"].items())
        if (Ref(one)["type"].str() == "Ready") return Ref(one)["status"].str() == "True";
    return false;
}

void RolloutGuard::take(const World& world) {
    std::map<std::string, Seen> now;
    const bool restarted = world.restarts() != restarts_;
    restarts_ = world.restarts();
    for (const auto& pod : world.pods()) {
        const std::string uid(pod->uid());
        auto& state = now[uid];
        state = {.ready = pod_ready(*pod), .leaving = pod->deleting(), .faults = world.machine().faults_of(uid)};
        const auto before = seen_.find(uid);
        const bool was_ready = before != seen_.end() && before->second.ready && !before->second.leaving;
        const bool stays = before != seen_.end() && (was_ready || !state.ready);
        if (stays) state.faults = before->second.faults;
        if (restarted) state.faults = 0;  // it may have been hit in the time that is forgotten
        if (state.ready) hit_.erase(uid);
        // Only a fault excuses that a pod which nobody took away is no longer ready.
        if (was_ready && !state.ready && !state.leaving && world.machine().faults_of(uid) > before->second.faults)
            hit_.insert(uid);
    }
    for (auto at = hit_.begin(); at != hit_.end();) {
        const auto found = now.find(*at);
        const bool gone = found == now.end() || found->second.leaving;
        lost_to_faults_ += gone;
        at = gone ? hit_.erase(at) : std::next(at);
    }
    seen_ = std::move(now);
    if (restarted) lost_to_faults_ = std::max<std::int64_t>(0, promise_.least_ready - world.ready() - std::ssize(hit_));
}

bool RolloutGuard::enough_ready(const World& world) {
    take(world);
    const auto ready = world.ready();
    if (ready >= promise_.least_ready) lost_to_faults_ = 0;
    return ready + std::ssize(hit_) + lost_to_faults_ >= promise_.least_ready;
}

void guard(World& world, Promise promise) {
    auto guard = std::make_shared<RolloutGuard>(promise);
    world.always("enough ready", [guard](const World& w) { return guard->enough_ready(w); });
    world.always("not too many", [guard](const World& w) { return guard->not_too_many(w); });
}

bool rolled_out(const World& world, const std::string& version, std::int64_t replicas) {
    const auto deployment = world.get(deployment_key());
    const auto status = (*deployment)["status"];
    if (status["observedGeneration"].num() < deployment->meta()["generation"].num()) return false;
    if (status["availableReplicas"].num() != replicas || status["replicas"].num() != replicas) return false;
    if (status["updatedReplicas"].num() != replicas || world.ready() != replicas) return false;
    for (const auto& pod : world.pods())
        if (pod->deleting() || pod->meta()["labels"]["version"].str() != version) return false;
    return true;
}

bool no_orphans(const World& world) {
    std::set<std::string> uids;
    for (const auto& pod : world.pods()) uids.insert(std::string(pod->uid()));
    for (const auto& [uid, pod] : world.machine().pods())
        if (!uids.contains(uid)) return false;
    for (const auto& [id, container] : world.machine().containers())
        if (!uids.contains(container.seen.pod_uid)) return false;
    return uids.size() == world.machine().pods().size();
}

void begin_guarded(World& world, const Web& web) {
    auto front = service(web);
    if (world.rng().below(4) == 0) front["spec"].as_object()["sessionAffinity"] = "ClientIP";
    world.apply(std::move(front));
    world.apply(deployment(web));
    world.until(
        "all are ready", [&](const World& w) { return rolled_out(w, web.version, web.replicas); }, 300s);
    guard(world, {.least_ready = web.replicas - web.unavailable, .most_alive = web.replicas + web.surge});
    guard_services(world);
}

}  // namespace sim
