// The pod state machine: what is wanted (the spec), what is known (PodState) and the time give what to do next.
// Pure: no ports, no clock, no chance. The driver performs the actions, notes their results in the state and asks
// again.
//
//   volumes -> set up -> init containers in order (sidecars go on running) -> mains in parallel -> running
//   an end (deletion, deadline, all mains finished): no new traffic -> preStop, TERM, KILL; sidecars last -> torn down
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "node/pod_state.h"
#include "node/pod_view.h"

namespace node {

enum class Do : std::uint8_t {
    mount_volumes,
    set_up,
    start,            ///< image, config, create, start, postStart
    drop_start,       ///< of a container that is only being prepared
    exclude_traffic,  ///< before anything is stopped
    begin_stop,       ///< notes Stopping{grace, why} and says so in an event
    run_pre_stop,
    send_term,
    send_kill,
    resize,    ///< tells the runtime the container's new resources
    fail_pod,  ///< activeDeadlineSeconds is over
    tear_down,
};

struct Action {
    Do what;
    std::string container;
    std::int64_t grace_s = 0;
    std::string why;
    bool operator==(const Action&) const = default;
};

struct Plan {
    std::vector<Action> actions;
    std::optional<Time> wake;  ///< look again then, if nothing happens before
    bool finished = false;     ///< nothing runs any more and nothing will: the last status may be written
};

struct Times {
    Duration backoff_first = std::chrono::seconds(10);
    Duration backoff_max = std::chrono::seconds(300);
    Duration backoff_reset = std::chrono::minutes(10);
    Duration kill_again = std::chrono::seconds(10);  ///< a container that outlives KILL gets another
    Duration term_min = std::chrono::seconds(2);  ///< what is left to TERM after a preStop hook took all of the grace
};

Plan plan(const PodView& pod, const PodState& state, const Times& times, Time now);

enum class Outcome : std::uint8_t { none, succeeded, failed };
/// How the pod ended, once all its mains ended for good (or an init container failed for good).
Outcome outcome(const PodView& pod, const PodState& state);
/// All init containers are done and sidecars started; also once any main container has run.
bool initialized(const PodView& pod, const PodState& state);
/// The pod is on its way out, whatever its containers do.
bool ending(const PodState& state);

/// Results, noted in the state.
void note_running(ContainerFacts& facts, Time now);
void note_exit(const PodView& pod, const ContainerView& container, ContainerFacts& facts, Ended ended,
               const Times& times);
/// A start that failed before anything ran: tried again at `retry_at`.
void note_waiting(ContainerFacts& facts, std::string reason, std::string message, Time retry_at);
/// Before a run begins: moves the last run aside and sets the back-off that a crash of this run will meet.
void note_run_begun(ContainerFacts& facts, const Times& times, Time now);

}  // namespace node
