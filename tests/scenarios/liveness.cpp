// Programs that hang: their liveness probe ends them, they are started again later and later, and nobody counts on them
// while they are down.
#include <fmt/format.h>

#include "sim/objects.h"
#include "sim/rollout_guard.h"
#include "sim/scenario.h"

using namespace sim;
using namespace std::chrono_literals;

static Ref container_status(const object::Object& pod) { return pod["status"]["containerStatuses"][std::size_t{0}]; }

static bool says_ready(const object::Object& pod) {
    for (const Ref one : pod["status"]["conditions"].items())
        if (one["type"].str() == "Ready") return one["status"].str() == "True";
    return false;
}

/// When the pod's program stopped serving: it ended or it hangs; nothing while it serves.
static std::optional<base::Time> down_since(const World& world, const object::Object& pod) {
    const Machine::Container* newest = nullptr;
    for (const auto& [id, container] : world.machine().containers())
        if (container.seen.pod_uid == pod.uid() && (!newest || newest->seen.attempt < container.seen.attempt))
            newest = &container;
    if (!newest) return base::Time{};
    if (newest->seen.state == node::ContainerState::exited) return newest->seen.finished_at;
    if (newest->hangs_at <= world.now()) return newest->hangs_at;
    return {};
}

/// An end is seen at once, a hang by the second probe.
static bool none_down_is_ready(const World& world) {
    for (const auto& pod : world.pods()) {
        if (!says_ready(*pod)) continue;
        if (!container_status(*pod)["state"]["running"] || !container_status(*pod)["ready"].flag()) return false;
        const auto since = down_since(world, *pod);
        const auto& runs = world.machine().runs_of(std::string(pod->uid()));
        const bool ended = !runs.empty() && runs.back().ended != base::Time{};
        if (since && world.now() - *since > (ended ? base::Duration(50ms) : base::Duration(5s))) return false;
    }
    return true;
}

static base::Duration back_off(std::size_t restart) {
    if (restart < 2) return 0s;
    return std::min(base::Duration(10s) * (1 << std::min<std::size_t>(restart - 2, 6)), base::Duration(300s));
}

/// Not started again too early, nor much too late.
static bool backs_off(const World& world) {
    for (const auto& pod : world.pods()) {
        const auto& runs = world.machine().runs_of(std::string(pod->uid()));
        for (std::size_t i = 1; i < runs.size(); ++i) {
            const auto waited = runs[i].began - runs[i - 1].ended;
            if (waited < back_off(i) || waited > back_off(i) + 3s) return false;
        }
    }
    return true;
}

SIM_TEST("a program that hangs is restarted, later each time, and is not counted ready while it is down", 200) {
    world.always("none that is down is counted ready", none_down_is_ready);
    world.always("restarts back off", backs_off);
    world.always("restarts are counted", [](const World& w) {
        for (const auto& pod : w.pods()) {
            const auto runs = std::ssize(w.machine().runs_of(std::string(pod->uid())));
            const auto said = container_status(*pod)["restartCount"].num();
            // A run is counted from the moment on in which it is begun.
            if (said > runs || said + 2 < runs) return false;
        }
        return true;
    });
    world.faults({.write_conflict = 0.1, .event_delay = 0.2, .slow_start = 0.1, .hang = 0.8});
    world.apply(deployment({.replicas = 2, .watched = true}));
    world.run_for(100s + Duration(1ms) * world.rng().below(60'000));
    world.calm();
    world.until(
        "all are ready", [](const World& w) { return rolled_out(w, "1", 2); }, 400s);
    world.run_for(10s);
    for (const auto& pod : world.pods()) {
        const auto runs = std::ssize(world.machine().runs_of(std::string(pod->uid())));
        world.check(fmt::format("{} runs", runs), container_status(*pod)["restartCount"].num() == runs - 1);
        world.check("the last end is told", runs == 1 || container_status(*pod)["lastState"]["terminated"]);
    }
}

SIM_TEST("a rolling update of programs that hang stays within what is allowed", 200) {
    const Web web{
        .replicas = 3, .surge = 1, .unavailable = static_cast<std::int64_t>(world.rng().below(2)), .watched = true};
    begin_guarded(world, web);
    world.faults({.write_conflict = 0.1, .event_delay = 0.2, .slow_start = 0.2, .hang = 0.4});
    world.change(deployment_key(), [](json::object& d) { set_version(d, "2"); });
    world.restart_after(world.rng().below(900));
    world.run_for(20s);
    world.calm();
    world.until(
        "version 2 stands", [](const World& w) { return rolled_out(w, "2", 3); }, 900s);
    world.until("no orphan is left", no_orphans, 120s);
}
