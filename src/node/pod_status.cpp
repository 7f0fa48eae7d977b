// Writes a pod's status: phase, conditions, container states.
#include "node/pod_status.h"

#include <algorithm>
#include <array>

#include "node/resources.h"

namespace node {
namespace {

json::object terminated(const Ended& ended) {
    json::object t;
    t["exitCode"] = ended.exit_code;
    if (ended.signal) t["signal"] = ended.signal;
    t["reason"] = ended.reason;
    if (!ended.message.empty()) t["message"] = ended.message;
    t["startedAt"] = base::rfc3339(ended.started_at);
    t["finishedAt"] = base::rfc3339(ended.finished_at);
    if (!ended.id.empty()) t["containerID"] = "containerd://" + ended.id;
    return {{"terminated", std::move(t)}};
}

json::object waiting(std::string_view reason, std::string_view message) {
    json::object w;
    w["reason"] = reason;
    if (!message.empty()) w["message"] = message;
    return {{"waiting", std::move(w)}};
}

json::object resources_of(Ref resources) {
    json::object result;
    for (const auto part : {"limits", "requests"})
        if (resources[part].size()) result[part] = *resources[part].value();
    return result;
}

json::array mounts_of(Ref spec) {
    json::array result;
    for (const Ref m : spec["volumeMounts"].items()) {
        json::object mount{{"name", m["name"].str()}, {"mountPath", m["mountPath"].str()}};
        if (m["readOnly"].flag()) {
            mount["readOnly"] = true;
            mount["recursiveReadOnly"] = "Disabled";
        }
        result.push_back(std::move(mount));
    }
    return result;
}

bool is_ready(const ContainerView& c, const ContainerFacts& facts) {
    if (c.role == Role::ephemeral) return false;
    if (c.role == Role::init) return facts.stage == Stage::exited && facts.ended.exit_code == 0;
    return facts.stage == Stage::running && facts.startup_passed && facts.probe_ready;
}

class Writer {
 public:
    Writer(const PodView& pod, const PodState& state, const StatusSettings& settings, Ref current, Time now)
        : pod_(pod), state_(state), settings_(settings), current_(current), now_(now) {}

    json::object write() {
        json::object status;
        set_generation(status);
        phase_ = phase();
        // A pod that the node fails is shown as failed once nothing of it runs; its conditions say so at once.
        const bool still_runs = !state_.reason.empty() &&
                                std::ranges::any_of(state_.containers, [](const auto& c) { return c.second.busy(); });
        status["phase"] = still_runs ? current_["phase"].str("Running") : phase_;
        if (state_.rejected) return rejected(std::move(status));
        status["conditions"] = conditions();
        if (!still_runs && !state_.message.empty()) status["message"] = state_.message;
        if (!still_runs && !state_.reason.empty()) status["reason"] = state_.reason;
        status["hostIP"] = settings_.host_ip;
        status["hostIPs"] = json::array{json::object{{"ip", settings_.host_ip}}};
        if (!state_.ip.empty()) {
            status["podIP"] = state_.ip;
            status["podIPs"] = json::array{json::object{{"ip", state_.ip}}};
        }
        if (state_.start_time != Time{}) status["startTime"] = base::rfc3339(state_.start_time);
        containers(status);
        set_qos(status);
        const bool any_ran = std::ranges::any_of(state_.containers, [](const auto& c) { return c.second.runs > 0; });
        if (state_.setup == Progress::done || any_ran) status["resources"] = json::object{};
        keep_foreign(status);
        return status;
    }

 private:
    void set_generation(json::object& status) const {
        if (pod_.generation) status["observedGeneration"] = pod_.generation;
    }
    void set_qos(json::object& status) const {
        static constexpr std::array names{"Guaranteed", "Burstable", "BestEffort"};
        status["qosClass"] = names[static_cast<std::size_t>(qos_of(Ref(pod_.object->value())))];
    }
    json::object rejected(json::object status) const {
        status["reason"] = state_.reason;
        status["message"] = state_.message;
        status["startTime"] = base::rfc3339(state_.start_time);
        set_qos(status);
        return status;
    }
    /// Fields that others own: what a scheduler or a resize wrote.
    void keep_foreign(json::object& status) const {
        for (const auto name : {"nominatedNodeName", "resize", "resourceClaimStatuses"})
            if (const auto value = current_[name]) status[name] = *value.value();
    }

    void containers(json::object& status) const {
        json::array inits, mains, ephemeral;
        std::vector<const ContainerView*> sorted;
        for (const auto& c : pod_.containers) {
            if (c.role == Role::init || c.role == Role::sidecar) inits.push_back(container(c));
            if (c.role == Role::main) sorted.push_back(&c);
            if (c.role == Role::ephemeral) ephemeral.push_back(container(c));
        }
        std::ranges::sort(sorted, {}, [](const ContainerView* c) -> const std::string& { return c->name; });
        for (const auto* c : sorted) mains.push_back(container(*c));
        if (!inits.empty()) status["initContainerStatuses"] = std::move(inits);
        if (!mains.empty()) status["containerStatuses"] = std::move(mains);
        if (!ephemeral.empty()) status["ephemeralContainerStatuses"] = std::move(ephemeral);
    }

    json::object container(const ContainerView& c) const {
        const auto& facts = state_.facts(c.name);
        json::object result;
        result["name"] = c.name;
        result["state"] = state_of(facts);
        result["lastState"] = last_state_of(facts);
        result["ready"] = is_ready(c, facts);
        result["restartCount"] = facts.restarts();
        const bool created = !facts.image_id.empty();
        result["image"] = created ? facts.image : std::string(c.spec["image"].str());
        result["imageID"] = facts.image_id;
        if (!facts.id.empty()) result["containerID"] = "containerd://" + facts.id;
        if (c.role != Role::ephemeral) result["started"] = facts.stage == Stage::running && facts.startup_passed;
        if (!created) return result;
        const Ref applied = facts.applied_resources.is_null() ? c.spec["resources"] : Ref(facts.applied_resources);
        if (const auto requests = applied["requests"]; requests.size())
            result["allocatedResources"] = *requests.value();
        result["resources"] = resources_of(applied);
        if (auto mounts = mounts_of(c.spec); !mounts.empty()) result["volumeMounts"] = std::move(mounts);
        if (facts.uid >= 0) result["user"] = user_of(facts);
        return result;
    }

    static json::object user_of(const ContainerFacts& facts) {
        json::object user{{"uid", facts.uid}, {"gid", facts.gid}};
        json::array groups;
        for (const auto group : facts.groups) groups.push_back(group);
        if (!groups.empty()) user["supplementalGroups"] = std::move(groups);
        return {{"linux", std::move(user)}};
    }

    json::object state_of(const ContainerFacts& facts) const {
        if (facts.stage == Stage::running)
            return {{"running", json::object{{"startedAt", base::rfc3339(facts.started_at)}}}};
        if (!facts.waiting_reason.empty()) return waiting(facts.waiting_reason, facts.waiting_message);
        if (facts.stage == Stage::exited || (facts.stage == Stage::preparing && facts.runs > 0))
            return terminated(facts.ended);
        const bool has_inits = !pod_.spec["initContainers"].items().empty();
        return waiting(has_inits ? "PodInitializing" : "ContainerCreating", "");
    }

    static json::object last_state_of(const ContainerFacts& facts) {
        const bool restarting = (facts.stage == Stage::exited || (facts.stage == Stage::preparing && facts.runs > 0)) &&
                                !facts.waiting_reason.empty();
        if (restarting) return terminated(facts.ended);
        return facts.last ? terminated(*facts.last) : json::object{};
    }

    std::string_view phase() const {
        if (state_.rejected || !state_.reason.empty()) return "Failed";
        const bool over = ending(state_) &&
                          std::ranges::none_of(state_.containers, [](const auto& c) { return c.second.busy(); }) &&
                          state_.exclusion != Progress::busy && state_.wound_up;
        switch (outcome(pod_, state_)) {
            case Outcome::succeeded:
                return sidecars_run() ? "Running" : "Succeeded";
            case Outcome::failed:
                return sidecars_run() ? "Running" : "Failed";
            case Outcome::none:
                break;
        }
        if (over) return "Failed";
        if (!initialized(pod_, state_)) return "Pending";
        const bool all_ran = std::ranges::all_of(pod_.containers, [&](const ContainerView& c) {
            return c.role != Role::main || has_run(state_.facts(c.name));
        });
        return all_ran ? "Running" : "Pending";
    }

    /// It runs, or a run of it has ended: one that waits to be started again counts as stopped, not as waiting.
    static bool has_run(const ContainerFacts& facts) {
        const bool between_runs = facts.runs > 0 && (facts.stage == Stage::exited || facts.stage == Stage::preparing);
        return facts.stage == Stage::running || between_runs || facts.runs > 1;
    }

    bool sidecars_run() const {
        return std::ranges::any_of(pod_.containers, [&](const ContainerView& c) {
            return c.role == Role::sidecar && state_.facts(c.name).busy();
        });
    }

    struct Verdict {
        bool holds = true;
        std::string_view reason = {};
        std::string message = {};
    };

    json::object condition(std::string_view type, const Verdict& verdict) const {
        json::object c{{"type", type}};
        if (pod_.generation) c["observedGeneration"] = pod_.generation;
        const std::string_view status = verdict.holds ? "True" : "False";
        c["status"] = status;
        c["lastProbeTime"] = nullptr;
        c["lastTransitionTime"] = base::rfc3339(now_);
        for (const Ref old : current_["conditions"].items()) {
            if (old["type"].str() == type && old["status"].str() == status && old["lastTransitionTime"])
                c["lastTransitionTime"] = old["lastTransitionTime"].str();
        }
        if (!verdict.reason.empty()) c["reason"] = verdict.reason;
        if (!verdict.message.empty()) c["message"] = verdict.message;
        return c;
    }

    static bool ours(std::string_view type) {
        return type == "PodReadyToStartContainers" || type == "Initialized" || type == "Ready" ||
               type == "ContainersReady" || type == "PodScheduled";
    }
    bool written_here(std::string_view type) const {
        return ours(type) || (type == "DisruptionTarget" && state_.reason == "Evicted");
    }

    json::array conditions() const {
        json::array result;
        for (const auto& old : current_["conditions"].items())
            if (!written_here(Ref(old)["type"].str())) result.push_back(old);
        const auto containers = containers_ready();
        result.push_back(
            condition("PodReadyToStartContainers", {.holds = state_.setup == Progress::done && !state_.wound_up}));
        result.push_back(condition("Initialized", initialized_condition()));
        result.push_back(condition("Ready", ready(containers)));
        result.push_back(condition("ContainersReady", containers));
        result.push_back(condition("PodScheduled", {}));
        if (state_.reason == "Evicted")
            result.push_back(
                condition("DisruptionTarget", {.reason = "TerminationByKubelet", .message = state_.message}));
        return result;
    }

    Verdict initialized_condition() const {
        std::string missing;
        for (const auto& c : pod_.containers) {
            if (c.role != Role::init && c.role != Role::sidecar) continue;
            const auto& facts = state_.facts(c.name);
            const bool done = c.role == Role::init ? is_ready(c, facts) : facts.startup_passed;
            if (!done) missing += (missing.empty() ? "" : " ") + c.name;
        }
        if (phase_ == "Succeeded") return {.reason = "PodCompleted"};
        if (missing.empty() || initialized(pod_, state_)) return {};
        return {false, "ContainersNotInitialized", "containers with incomplete status: [" + missing + "]"};
    }

    Verdict containers_ready() const {
        if (phase_ == "Succeeded") return {false, "PodCompleted", {}};
        if (phase_ == "Failed") return {false, "PodFailed", {}};
        std::string unready;
        for (const auto& c : pod_.containers) {
            if (c.role != Role::main && c.role != Role::sidecar) continue;
            if (!is_ready(c, state_.facts(c.name))) unready += (unready.empty() ? "" : " ") + c.name;
        }
        if (unready.empty()) return {};
        return {false, "ContainersNotReady", "containers with unready status: [" + unready + "]"};
    }

    Verdict ready(const Verdict& containers) const {
        if (!containers.holds) return containers;
        std::string messages;
        for (const Ref gate : pod_.spec["readinessGates"].items()) {
            const auto type = gate["conditionType"].str();
            std::string_view status;
            for (const Ref c : current_["conditions"].items())
                if (c["type"].str() == type) status = c["status"].str();
            if (status == "True") continue;
            if (!messages.empty()) messages += ", ";
            if (status.empty())
                messages +=
                    "corresponding condition of pod readiness gate \"" + std::string(type) + "\" does not exist.";
            else
                messages += "the status of pod readiness gate \"" + std::string(type) + "\" is not \"True\", but " +
                            std::string(status);
        }
        if (messages.empty()) return {};
        return {false, "ReadinessGatesNotReady", messages};
    }

    const PodView& pod_;
    const PodState& state_;
    const StatusSettings& settings_;
    Ref current_;
    Time now_;
    std::string_view phase_;
};

}  // namespace

json::object pod_status(const PodView& pod, const PodState& state, const StatusSettings& settings, Ref current,
                        Time now) {
    return Writer(pod, state, settings, current, now).write();
}

}  // namespace node
