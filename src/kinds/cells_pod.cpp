// A Pod's row: what kubectl's STATUS and RESTARTS say (facts: pod_status_rules).
#include <fmt/format.h>

#include <optional>

#include "kinds/cells.h"

namespace kinds {

namespace {

/// What the walk over container statuses gathers.
struct Walk {
    std::string reason;
    std::int64_t ready = 0;
    std::int64_t restarts = 0;
    std::optional<base::Time> last_restart;
    bool initializing = false;
};

void count_restarts(Walk& walk, Ref status) {
    walk.restarts += status["restartCount"].num();
    const auto ended = base::parse_rfc3339(status["lastState"]["terminated"]["finishedAt"].str());
    if (ended && (!walk.last_restart || *walk.last_restart < *ended)) walk.last_restart = ended;
}

std::string exit_text(Ref terminated) {
    if (const auto signal = terminated["signal"].num(); signal != 0) return fmt::format("Signal:{}", signal);
    return fmt::format("ExitCode:{}", terminated["exitCode"].num());
}

bool is_sidecar(Ref spec, std::string_view name) {
    for (const auto& container : spec["initContainers"].items())
        if (Ref(container)["name"].str() == name) return Ref(container)["restartPolicy"].str() == "Always";
    return false;
}

bool condition_is_true(Ref pod, std::string_view type) {
    for (const auto& condition : pod["status"]["conditions"].items())
        if (Ref(condition)["type"].str() == type) return Ref(condition)["status"].str() == "True";
    return false;
}

std::string first_reason(Ref pod) {
    for (const auto& condition : pod["status"]["conditions"].items())
        if (Ref(condition)["type"].str() == "PodScheduled" && Ref(condition)["reason"].str() == "SchedulingGated")
            return "SchedulingGated";
    const Ref status = pod["status"];
    return std::string{or_text(status["reason"].str(), status["phase"].str())};
}

/// The first init container that holds the others back names the pod's status.
void walk_init(Walk& walk, Walk& sidecars, Ref pod) {
    const auto& statuses = pod["status"]["initContainerStatuses"].items();
    for (std::size_t i = 0; i < statuses.size(); ++i) {
        const Ref status(statuses[i]);
        const bool sidecar = is_sidecar(pod["spec"], status["name"].str());
        count_restarts(walk, status);
        if (sidecar) count_restarts(sidecars, status);
        const Ref terminated = status["state"]["terminated"];
        if (terminated && terminated["exitCode"].num() == 0) continue;
        if (sidecar && status["started"].flag()) {
            if (status["ready"].flag()) ++walk.ready;
            continue;
        }
        walk.initializing = true;
        const auto waiting = status["state"]["waiting"]["reason"].str();
        if (terminated) {
            const auto reason = terminated["reason"].str();
            walk.reason = "Init:" + (reason.empty() ? exit_text(terminated) : std::string(reason));
        } else if (!waiting.empty() && waiting != "PodInitializing") {
            walk.reason = "Init:" + std::string(waiting);
        } else {
            walk.reason = fmt::format("Init:{}/{}", i, pod["spec"]["initContainers"].size());
        }
        return;
    }
}

/// The first container's reason is told, but who failed is told before who completed.
void walk_containers(Walk& walk, Ref pod) {
    const auto& statuses = pod["status"]["containerStatuses"].items();
    bool running = false;
    bool failed = false;
    for (auto status = statuses.rbegin(); status != statuses.rend(); ++status) {
        const Ref at(*status);
        count_restarts(walk, at);
        const auto waiting = at["state"]["waiting"]["reason"].str();
        const Ref terminated = at["state"]["terminated"];
        if (!waiting.empty()) {
            walk.reason = waiting;
        } else if (terminated && !(failed && terminated["exitCode"].num() == 0)) {
            const auto reason = terminated["reason"].str();
            walk.reason = reason.empty() ? exit_text(terminated) : std::string(reason);
            failed |= terminated["exitCode"].num() != 0;
        } else if (at["ready"].flag() && at["state"]["running"]) {
            running = true;
            ++walk.ready;
        }
    }
    if (walk.reason == "Completed" && running) walk.reason = condition_is_true(pod, "Ready") ? "Running" : "NotReady";
}

Walk walk_statuses(Ref pod) {
    Walk walk{.reason = first_reason(pod)};
    Walk sidecars;
    walk_init(walk, sidecars, pod);
    if (!walk.initializing || condition_is_true(pod, "Initialized")) {
        walk.restarts = sidecars.restarts;
        walk.last_restart = sidecars.last_restart;
        walk_containers(walk, pod);
    }
    if (pod["metadata"]["deletionTimestamp"]) {
        const auto phase = pod["status"]["phase"].str();
        if (pod["status"]["reason"].str() == "NodeLost")
            walk.reason = "Unknown";
        else if (phase != "Succeeded" && phase != "Failed")
            walk.reason = "Terminating";
    }
    return walk;
}

std::size_t counted_containers(Ref spec) {
    std::size_t total = spec["containers"].size();
    for (const auto& container : spec["initContainers"].items())
        if (Ref(container)["restartPolicy"].str() == "Always") ++total;
    return total;
}

std::string gates_text(Ref pod) {
    const auto& gates = pod["spec"]["readinessGates"].items();
    if (gates.empty()) return "<none>";
    std::size_t open = 0;
    for (const auto& gate : gates)
        if (condition_is_true(pod, Ref(gate)["conditionType"].str())) ++open;
    return fmt::format("{}/{}", open, gates.size());
}

}  // namespace

json::array pod_cells(Ref pod, base::Time now) {
    const auto walk = walk_statuses(pod);
    auto restarts = std::to_string(walk.restarts);
    if (walk.restarts != 0 && walk.last_restart)
        restarts = fmt::format("{} ({} ago)", restarts, human_duration(now - *walk.last_restart));
    const Ref status = pod["status"];
    return {name_of(pod),
            fmt::format("{}/{}", walk.ready, counted_containers(pod["spec"])),
            walk.reason,
            restarts,
            age(pod, now),
            or_text(status["podIPs"][0UL]["ip"].str(status["podIP"].str()), "<none>"),
            or_text(pod["spec"]["nodeName"].str(), "<none>"),
            or_text(status["nominatedNodeName"].str(), "<none>"),
            gates_text(pod)};
}

}  // namespace kinds
