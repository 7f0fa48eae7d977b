// Rule: reasons, messages and the order of conditions are upstream's; clients compare them.
#include "control/deployment_status.h"

#include <algorithm>

namespace control {

static Ref condition_of(const json::object& status, std::string_view type) {
    for (const auto& item : Ref(status)["conditions"].items())
        if (Ref(item)["type"].str() == type) return Ref(item);
    return {};
}

void drop_condition(json::object& status, std::string_view type) {
    auto& list = object::list(status, "conditions");
    erase_items(list, [&](const json::value& one) { return Ref(one)["type"].str() == type; });
    if (list.empty()) status.erase("conditions");
}

void set_condition(json::object& status, Condition condition, Time now) {
    const auto before = condition_of(status, condition.type);
    if (before["status"].str() == condition.status && before["reason"].str() == condition.reason) return;
    const auto stamp = base::rfc3339(now);
    const std::string since =
        before["status"].str() == condition.status ? std::string(before["lastTransitionTime"].str()) : stamp;
    json::object made{{"type", condition.type},      {"status", condition.status}, {"lastUpdateTime", stamp},
                      {"lastTransitionTime", since}, {"reason", condition.reason}, {"message", condition.message}};
    drop_condition(status, condition.type);
    object::list(status, "conditions").push_back(std::move(made));
}

json::object counted_status(const Situation& s) {
    std::int64_t full = 0, ready = 0, available = 0, terminating = 0;
    for (const auto& set : s.all) {
        full += set.full;
        ready += set.ready;
        available += set.available;
        terminating += set.terminating;
    }
    const auto updated = s.newest ? s.newest->full : 0;
    const auto unavailable = std::max<std::int64_t>(0, wanted_sum(s.all) - available);
    json::object status{{"observedGeneration", s.deployment.meta()["generation"].num()}};
    const auto put = [&](std::string_view name, std::int64_t count) {
        if (count) status[name] = count;
    };
    put("replicas", full);
    put("updatedReplicas", updated);
    put("readyReplicas", ready);
    put("availableReplicas", available);
    put("unavailableReplicas", unavailable);
    status["terminatingReplicas"] = terminating;
    const auto before = s.deployment["status"];
    if (const auto* collisions = before["collisionCount"].value()) status["collisionCount"] = *collisions;
    if (const auto* list = before["conditions"].value()) status["conditions"] = *list;
    if (available >= s.wish.least())
        set_condition(status, {"Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability."},
                      s.now);
    else
        set_condition(
            status,
            {"Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability."},
            s.now);
    return status;
}

bool complete(const Wish& wish, Ref status, std::int64_t generation) {
    return status["updatedReplicas"].num() == wish.replicas && status["replicas"].num() == wish.replicas &&
           status["availableReplicas"].num() == wish.replicas && status["observedGeneration"].num() >= generation;
}

static bool progressing(Ref before, Ref after) {
    const auto old_pods = [](Ref status) { return status["replicas"].num() - status["updatedReplicas"].num(); };
    return after["updatedReplicas"].num() > before["updatedReplicas"].num() || old_pods(after) < old_pods(before) ||
           after["readyReplicas"].num() > before["readyReplicas"].num() ||
           after["availableReplicas"].num() > before["availableReplicas"].num();
}

static bool timed_out(const Situation& s, const json::object& status) {
    const auto progress = condition_of(status, "Progressing");
    const auto reason = progress["reason"].str();
    if (!progress || reason == "NewReplicaSetAvailable") return false;
    if (reason == "ProgressDeadlineExceeded") return true;
    const auto since = base::parse_rfc3339(progress["lastUpdateTime"].str());
    return since && *since + std::chrono::seconds(s.wish.deadline_s) < s.now;
}

/// Replaces the condition even when its reason stays: its update time is what the deadline counts from.
static void renew_progress(json::object& status, std::string message, Time now) {
    const auto before = condition_of(status, "Progressing");
    const auto stamp = base::rfc3339(now);
    const auto since = before["status"].str() == "True" ? std::string(before["lastTransitionTime"].str()) : stamp;
    drop_condition(status, "Progressing");
    object::list(status, "conditions")
        .push_back({{"type", "Progressing"},
                    {"status", "True"},
                    {"lastUpdateTime", stamp},
                    {"lastTransitionTime", since},
                    {"reason", "ReplicaSetUpdated"},
                    {"message", std::move(message)}});
}

static void judge_progress(const Situation& s, json::object& status) {
    const auto current = condition_of(status, "Progressing");
    const bool settled = Ref(status)["replicas"].num() == Ref(status)["updatedReplicas"].num() &&
                         current["reason"].str() == "NewReplicaSetAvailable";
    if (settled) return;
    const std::string who = s.newest ? "ReplicaSet \"" + std::string(s.newest->object->name()) + "\""
                                     : "Deployment \"" + std::string(s.deployment.name()) + "\"";
    if (complete(s.wish, Ref(status), s.deployment.meta()["generation"].num()))
        set_condition(status, {"Progressing", "True", "NewReplicaSetAvailable", who + " has successfully progressed."},
                      s.now);
    else if (progressing(s.deployment["status"], Ref(status)))
        renew_progress(status, who + " is progressing.", s.now);
    else if (timed_out(s, status))
        set_condition(status, {"Progressing", "False", "ProgressDeadlineExceeded", who + " has timed out progressing."},
                      s.now);
}

/// The first failure among the sets, the newest's first.
static Ref replica_failure(const Situation& s) {
    if (s.newest)
        if (const auto found = condition(Ref(s.newest->object->value()), "ReplicaFailure")) return found;
    for (const auto& set : s.all)
        if (const auto found = condition(Ref(set.object->value()), "ReplicaFailure")) return found;
    return {};
}

json::object rollout_status(const Situation& s) {
    auto status = counted_status(s);
    if (s.wish.has_deadline())
        judge_progress(s, status);
    else
        drop_condition(status, "Progressing");
    if (const auto failure = replica_failure(s))
        set_condition(
            status,
            {"ReplicaFailure", failure["status"].str(), failure["reason"].str(), std::string(failure["message"].str())},
            s.now);
    else
        drop_condition(status, "ReplicaFailure");
    return status;
}

std::optional<Duration> deadline_left(const Situation& s, Ref status) {
    const auto progress = condition_of(*status.as_object(), "Progressing");
    if (!progress || !s.wish.has_deadline() || s.wish.paused) return std::nullopt;
    if (progress["reason"].str() == "ProgressDeadlineExceeded") return std::nullopt;
    if (complete(s.wish, status, s.deployment.meta()["generation"].num())) return std::nullopt;
    const auto since = base::parse_rfc3339(progress["lastUpdateTime"].str());
    if (!since) return std::nullopt;
    // The deadline must be passed, not reached, and times on the wire have whole seconds.
    const auto left = *since + std::chrono::seconds(s.wish.deadline_s) - s.now + std::chrono::milliseconds(10);
    return std::max<Duration>(left, std::chrono::milliseconds(10));
}

}  // namespace control
