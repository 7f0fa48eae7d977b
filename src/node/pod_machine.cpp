// Decides what a pod needs next, and notes what came of it. Pure: see the header for the states.
#include "node/pod_machine.h"

#include <algorithm>

namespace node {
namespace {

using std::chrono::seconds;

/// One look at a pod: collects actions and the earliest time to look again.
class Look {
 public:
    Look(const PodView& pod, const PodState& state, const Times& times, Time now)
        : pod_(pod), state_(state), times_(times), now_(now) {}

    Plan take() {
        if (state_.rejected)
            plan_.finished = true;
        else if (ending(state_))
            end();
        else
            go_on();
        return std::move(plan_);
    }

 private:
    void act(Do what, const std::string& container = {}, std::int64_t grace_s = 0, std::string why = {}) {
        plan_.actions.push_back({what, container, grace_s, std::move(why)});
    }
    void wake(Time at) {
        if (!plan_.wake || at < *plan_.wake) plan_.wake = at;
    }
    /// True when `at` has come; else asks to be woken then.
    bool due(Time at) {
        if (now_ >= at) return true;
        wake(at);
        return false;
    }

    void go_on() {
        if (over_deadline()) return act(Do::fail_pod);
        if (const auto how = outcome(pod_, state_); how != Outcome::none) return wind_down();
        if (state_.volumes != Progress::done) {
            if (state_.volumes == Progress::none && due(state_.volumes_retry_at)) act(Do::mount_volumes);
            return;
        }
        if (state_.setup != Progress::done) {
            if (state_.setup == Progress::none && due(state_.setup_retry_at)) act(Do::set_up);
            return;
        }
        const bool open = run_inits();
        bool one_starts = false;  // containers of a pod start one after the other, in the order of the spec
        for (const auto& c : pod_.containers) {
            const auto& facts = state_.facts(c.name);
            if (c.role == Role::ephemeral && facts.runs == 0) keep(c, facts);
            if (c.role != Role::main || !open) continue;
            if (facts.live() || !one_starts) keep(c, facts);
            one_starts = one_starts || is_starting(facts) || starts(c.name);
        }
    }

    static bool is_starting(const ContainerFacts& facts) {
        return facts.stage == Stage::preparing || facts.stage == Stage::starting || facts.stage == Stage::hooking;
    }
    bool starts(const std::string& container) const {
        return std::ranges::any_of(plan_.actions, [&](const auto& action) {
            return action.what == Do::start && action.container == container;
        });
    }

    bool over_deadline() {
        const auto limit = pod_.spec["activeDeadlineSeconds"];
        if (!limit || state_.start_time == Time{}) return false;
        return due(state_.start_time + seconds(limit.num()));
    }

    /// Keeps init containers and sidecars going; true when the mains may start.
    bool run_inits() {
        const bool was_initialized = initialized(pod_, state_);
        for (const auto& c : pod_.containers) {
            if (c.role != Role::init && c.role != Role::sidecar) break;
            const auto& facts = state_.facts(c.name);
            if (was_initialized) {
                if (c.role == Role::sidecar) keep(c, facts);
                continue;
            }
            if (c.role == Role::init && facts.stage == Stage::exited && facts.ended.exit_code == 0) continue;
            keep(c, facts);
            const bool through = c.role == Role::sidecar && facts.stage == Stage::running && facts.startup_passed;
            if (!through) return false;
        }
        return true;
    }

    /// Starts what should run, and carries on with a stop that is under way (a failed probe, a changed image).
    void keep(const ContainerView& c, const ContainerFacts& facts) {
        if (facts.live() && facts.stop) return stop_further(c, facts, facts.stop->grace_s);
        if (facts.stage == Stage::running && facts.applied_image != c.spec["image"].str()) {
            return act(Do::begin_stop, c.name, pod_.grace_s,
                       "Container " + c.name + " definition changed, will be restarted");
        }
        if (facts.stage == Stage::running && resources_changed(c, facts)) return resize(c, facts);
        const bool ran_out = facts.stage == Stage::exited && !c.restarts_after(facts.ended.exit_code);
        if (facts.stage != Stage::none && (facts.stage != Stage::exited || ran_out)) return;
        if (due(facts.retry_at)) act(Do::start, c.name);
    }

    static bool resources_changed(const ContainerView& c, const ContainerFacts& facts) {
        const auto* wanted = c.spec["resources"].value();
        return !facts.applied_resources.is_null() &&
               (wanted ? *wanted : json::value(json::object())) != facts.applied_resources;
    }

    /// In place, unless the container's resizePolicy asks for a restart when that resource changes.
    void resize(const ContainerView& c, const ContainerFacts& facts) {
        for (const Ref policy : c.spec["resizePolicy"].items()) {
            if (policy["restartPolicy"].str() != "RestartContainer") continue;
            const auto name = policy["resourceName"].str();
            for (const auto part : {"limits", "requests"}) {
                const auto before = Ref(facts.applied_resources)[part][name].str();
                if (before != c.spec["resources"][part][name].str())
                    return act(Do::begin_stop, c.name, pod_.grace_s,
                               "Container " + c.name + " resize requires restart");
            }
        }
        act(Do::resize, c.name);
    }

    /// The mains ended by themselves: sidecars (in reverse order) and ephemeral containers go too.
    void wind_down() {
        if (drop_preparing()) return;
        if (!stop_all(pod_.grace_s)) finish();
    }

    void end() {
        if (drop_preparing()) return;
        const bool killed = state_.vanished || (state_.deletion && state_.deletion->grace_s <= 0);
        const bool any = std::ranges::any_of(state_.containers, [](const auto& c) { return c.second.busy(); });
        if (any && !killed && state_.exclusion != Progress::done && !state_.ip.empty()) {
            if (state_.exclusion == Progress::none) act(Do::exclude_traffic);
            return;
        }
        const auto grace = state_.vanished   ? 0
                           : state_.deletion ? state_.deletion->grace_s
                                             : state_.failing_grace_s.value_or(pod_.grace_s);
        if (!stop_all(grace)) finish();
    }

    bool drop_preparing() {
        bool any = false;
        for (const auto& [name, facts] : state_.containers) {
            if (facts.stage != Stage::preparing) continue;
            act(Do::drop_start, name);
            any = true;
        }
        return any;
    }

    void finish() {
        if (state_.setup == Progress::busy || state_.volumes == Progress::busy) return;
        if (state_.teardown == Progress::none && due(state_.teardown_retry_at)) act(Do::tear_down);
        plan_.finished = true;
    }

    /// False when nothing runs any more. Mains, inits and ephemeral ones first; then sidecars, last started first.
    bool stop_all(std::int64_t grace_s) {
        bool any = false;
        Time begun = now_;
        for (const auto& c : pod_.containers) {
            const auto& facts = state_.facts(c.name);
            if (facts.stop) begun = std::min(begun, facts.stop->begun);
            if (c.role == Role::sidecar && grace_s > 0) continue;
            any = stop_one(c, facts, grace_s) || any;
        }
        if (any || grace_s <= 0) return any;
        const auto used = std::chrono::floor<seconds>(now_ - begun).count();
        const auto left = std::max<std::int64_t>(grace_s - used, 2);
        for (auto c = pod_.containers.rbegin(); c != pod_.containers.rend(); ++c) {
            if (c->role != Role::sidecar) continue;
            if (stop_one(*c, state_.facts(c->name), left)) return true;
        }
        return false;
    }

    bool stop_one(const ContainerView& c, const ContainerFacts& facts, std::int64_t grace_s) {
        if (!facts.busy()) return false;
        if (!facts.live()) return true;  // being started: its result comes first
        if (!facts.stop)
            act(Do::begin_stop, c.name, grace_s, "Stopping container " + c.name);
        else
            stop_further(c, facts, std::min(grace_s, facts.stop->grace_s));
        return true;
    }

    void stop_further(const ContainerView& c, const ContainerFacts& facts, std::int64_t grace_s) {
        const auto& stop = *facts.stop;
        if (stop.kill_sent != Time{}) {
            // The exit should be here long ago: ask again, in case it or the signal was lost.
            if (due(stop.kill_sent + times_.kill_again)) act(Do::send_kill, c.name);
            return;
        }
        const auto deadline = stop.begun + seconds(grace_s);
        const bool hooked = c.pre_stop() && grace_s > 0;
        if (hooked && stop.hook == Stopping::Hook::pending && stop.term_sent == Time{})
            return act(Do::run_pre_stop, c.name);
        if (stop.hook == Stopping::Hook::running && !due(deadline)) return;
        if (grace_s <= 0) return act(Do::send_kill, c.name);
        if (stop.term_sent == Time{}) return act(Do::send_term, c.name);
        const auto last = hooked ? std::max(deadline, stop.term_sent + times_.term_min) : deadline;
        if (due(last)) act(Do::send_kill, c.name);
    }

    const PodView& pod_;
    const PodState& state_;
    const Times& times_;
    Time now_;
    Plan plan_;
};

}  // namespace

Plan plan(const PodView& pod, const PodState& state, const Times& times, Time now) {
    return Look(pod, state, times, now).take();
}

bool ending(const PodState& state) { return state.vanished || state.deletion || !state.reason.empty(); }

bool initialized(const PodView& pod, const PodState& state) {
    for (const auto& c : pod.containers)
        if (c.role == Role::main && state.facts(c.name).runs > 0) return true;
    return std::ranges::all_of(pod.containers, [&](const ContainerView& c) {
        const auto& facts = state.facts(c.name);
        if (c.role == Role::init) return facts.stage == Stage::exited && facts.ended.exit_code == 0;
        if (c.role == Role::sidecar) return facts.stage == Stage::running && facts.startup_passed;
        return true;
    });
}

Outcome outcome(const PodView& pod, const PodState& state) {
    if (!state.reason.empty()) return Outcome::failed;
    bool all_well = true, any = false;
    for (const auto& c : pod.containers) {
        const auto& facts = state.facts(c.name);
        const bool final = facts.stage == Stage::exited && !c.restarts_after(facts.ended.exit_code);
        if (c.role == Role::init && final && facts.ended.exit_code != 0) return Outcome::failed;
        if (c.role != Role::main) continue;
        any = true;
        if (!final && !(ending(state) && facts.stage == Stage::exited)) return Outcome::none;
        all_well = all_well && facts.ended.exit_code == 0;
    }
    return !any ? Outcome::none : all_well ? Outcome::succeeded : Outcome::failed;
}

void note_running(ContainerFacts& facts, Time now) {
    facts.stage = Stage::running;
    facts.waiting_reason.clear();
    facts.waiting_message.clear();
    if (facts.started_at == Time{}) facts.started_at = now;
}

void note_waiting(ContainerFacts& facts, std::string reason, std::string message, Time retry_at) {
    facts.stage = facts.runs > 0 ? Stage::exited : Stage::none;
    facts.waiting_reason = std::move(reason);
    facts.waiting_message = std::move(message);
    facts.retry_at = retry_at;
}

void note_run_begun(ContainerFacts& facts, const Times& times, Time now) {
    if (facts.runs > 0) {
        facts.last = facts.ended;
        const bool calm = facts.backoff_set != Time{} && now - facts.backoff_set > times.backoff_reset;
        facts.backoff =
            facts.backoff == Duration{} || calm ? times.backoff_first : std::min(facts.backoff * 2, times.backoff_max);
        facts.backoff_set = now;
    }
    ++facts.runs;
    facts.started_at = {};
    facts.stop.reset();
    facts.startup_passed = facts.probe_ready = false;
}

void note_exit(const PodView& pod, const ContainerView& container, ContainerFacts& facts, Ended ended,
               const Times& times) {
    facts.stage = Stage::exited;
    facts.stop.reset();
    facts.startup_passed = facts.probe_ready = false;
    facts.waiting_reason.clear();
    facts.waiting_message.clear();
    facts.ended = std::move(ended);
    const bool calm = facts.backoff_set != Time{} && facts.ended.finished_at - facts.backoff_set > times.backoff_reset;
    facts.retry_at = calm ? facts.ended.finished_at : facts.ended.finished_at + facts.backoff;
    if (!container.restarts_after(facts.ended.exit_code) || facts.backoff == Duration{} || calm) return;
    facts.waiting_reason = "CrashLoopBackOff";
    facts.waiting_message = "back-off " + std::to_string(std::chrono::floor<seconds>(facts.backoff).count()) +
                            "s restarting failed container=" + container.name + " pod=" + pod.label();
}

}  // namespace node
