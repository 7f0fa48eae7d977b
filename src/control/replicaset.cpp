// ReplicaSet: as many pods as asked for. Rule (as upstream): pods are claimed by selector and controlling reference;
// finished and terminating pods do not count; what is least missed goes first.
#include <algorithm>
#include <cmath>
#include <map>

#include "control/controllers.h"
#include "control/workload.h"

namespace control {

namespace {

constexpr OwnerKind owner_kind{"apps/v1", "ReplicaSet"};
constexpr std::string_view component = "replicaset-controller";
constexpr std::int64_t burst_max = 500;

/// How missed a pod would be; the smallest goes first.
struct Rank {
    bool bound;
    int phase;
    bool ready;
    std::int64_t cost;
    std::int64_t crowd;  ///< negative: fuller nodes first
    std::int64_t ready_for;
    std::int64_t restarts;  ///< negative: more restarts first
    std::int64_t age;
    std::string_view uid;
    auto operator<=>(const Rank&) const = default;
};

int phase_rank(std::string_view phase) { return phase == "Pending" ? 0 : phase == "Running" ? 2 : 1; }

/// Ages are compared by their logarithm, so that a rollout's pods count as equally old.
std::int64_t log_age(std::optional<Time> since, Time now) {
    if (!since || *since >= now) return -1;
    return static_cast<std::int64_t>(std::log2(static_cast<double>((now - *since).count())));
}

std::int64_t restarts_of(Ref pod) {
    std::int64_t most = 0;
    for (const auto& status : pod["status"]["containerStatuses"].items())
        most = std::max(most, Ref(status)["restartCount"].num());
    return most;
}

std::vector<ObjectPtr> least_missed(std::vector<ObjectPtr> active, std::size_t count, Time now) {
    std::map<std::string_view, std::int64_t> crowd;
    for (const auto& pod : active) ++crowd[(*pod)["spec"]["nodeName"].str()];
    std::vector<std::pair<Rank, ObjectPtr>> ranked;
    for (auto& pod : active) {
        const Ref p(pod->value());
        const auto node = p["spec"]["nodeName"].str();
        const bool ready = pod_ready(p);
        ranked.emplace_back(
            Rank{.bound = !node.empty(),
                 .phase = phase_rank(p["status"]["phase"].str()),
                 .ready = ready,
                 .cost = annotation_number(*pod, "controller.kubernetes.io/pod-deletion-cost").value_or(0),
                 .crowd = -crowd[node],
                 .ready_for = ready ? log_age(ready_since(p), now) : 0,
                 .restarts = -restarts_of(p),
                 .age = log_age(base::parse_rfc3339(pod->meta()["creationTimestamp"].str()), now),
                 .uid = pod->uid()},
            pod);
    }
    std::ranges::sort(ranked, [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<ObjectPtr> out;
    for (std::size_t i = 0; i < std::min(count, ranked.size()); ++i) out.push_back(std::move(ranked[i].second));
    return out;
}

enum class Act : std::uint8_t { create, remove };

engine::Told told(const ObjectPtr& set, Act act) {
    const auto creating = act == Act::create;
    return {.about = set,
            .resource = replicasets(),
            .component = std::string(component),
            .done_reason = creating ? "SuccessfulCreate" : "SuccessfulDelete",
            .done_text = creating ? "Created pod: " : "Deleted pod: ",
            .failed_reason = creating ? "FailedCreate" : "FailedDelete",
            .failed_text = creating ? "Error creating: " : "Error deleting: "};
}

/// ReplicaFailure is there as long as the last attempt at pods failed; its time is when it began.
json::array conditions(const Pass& pass, std::int64_t missing) {
    json::array out;
    for (const auto& item : pass.object->operator[]("status")["conditions"].items())
        if (Ref(item)["type"].str() != "ReplicaFailure") out.push_back(item);
    if (!pass.failure || missing == 0) return out;
    const auto before = condition(Ref(pass.object->value()), "ReplicaFailure");
    const auto since = before["lastTransitionTime"].str();
    out.push_back({{"type", "ReplicaFailure"},
                   {"status", "True"},
                   {"lastTransitionTime", since.empty() ? base::rfc3339(pass.now) : std::string(since)},
                   {"reason", missing > 0 ? "FailedCreate" : "FailedDelete"},
                   {"message", pass.failure->message}});
    return out;
}

struct Census {
    std::int64_t full = 0, labelled = 0, ready = 0, available = 0, terminating = 0;
    std::optional<Time> next_available;
};

Census census(const std::vector<ObjectPtr>& active, const std::vector<ObjectPtr>& all, const Pass& pass) {
    const auto spec = (*pass.object)["spec"];
    const auto min_ready_s = spec["minReadySeconds"].num();
    const auto wanted = object::LabelSelector::from_map(spec["template"]["metadata"]["labels"]);
    Census census{.full = std::ssize(active)};
    for (const auto& pod : active) {
        const Ref p(pod->value());
        census.labelled += wanted.matches(pod->meta()["labels"]);
        if (!pod_ready(p)) continue;
        ++census.ready;
        if (pod_available(p, min_ready_s, pass.now)) {
            ++census.available;
        } else if (const auto since = ready_since(p)) {
            const auto at = *since + std::chrono::seconds(min_ready_s);
            census.next_available = census.next_available ? std::min(*census.next_available, at) : at;
        }
    }
    census.terminating =
        std::ranges::count_if(all, [](const auto& pod) { return pod->deleting() && !pod_finished(Ref(pod->value())); });
    return census;
}

json::object status_of(const Census& census, const Pass& pass, std::int64_t missing) {
    json::object status{{"replicas", census.full}};
    if (census.labelled) status["fullyLabeledReplicas"] = census.labelled;
    if (census.ready) status["readyReplicas"] = census.ready;
    if (census.available) status["availableReplicas"] = census.available;
    status["terminatingReplicas"] = census.terminating;
    status["observedGeneration"] = pass.object->meta()["generation"].num();
    if (auto list = conditions(pass, missing); !list.empty()) status["conditions"] = std::move(list);
    return status;
}

void manage(Plan& plan, const Pass& pass, std::vector<ObjectPtr> active, std::int64_t missing) {
    const auto& set = pass.object;
    for (std::int64_t i = 0; i < std::min(missing, burst_max); ++i)
        plan.create({.resource = pods(),
                     .ns = std::string(set->ns()),
                     .body = pod_from((*set)["spec"]["template"], *set, owner_kind),
                     .told = told(set, Act::create)});
    if (missing >= 0) return;
    const auto surplus = static_cast<std::size_t>(std::min(-missing, burst_max));
    for (const auto& pod : least_missed(std::move(active), surplus, pass.now))
        plan.remove({.resource = pods(),
                     .ns = std::string(pod->ns()),
                     .name = std::string(pod->name()),
                     .options = {.precondition_uid = std::string(pod->uid())},
                     .told = told(set, Act::remove)});
}

Result<Plan> reconcile(const Pass& pass) {
    Plan plan;
    if (!pass.object) return plan;
    const auto& set = *pass.object;
    const auto selector = TRY(object::LabelSelector::from_json(set["spec"]["selector"]));
    auto claims = claim({.owner = set, .kind = owner_kind, .selector = selector}, pass.view.owned_by(pods(), set.uid()),
                        pass.view.pods(set.ns(), selector));
    if (!claims.changed.empty()) {
        for (auto& pod : claims.changed) plan.update(pods(), std::move(pod));
        plan.again_in(Duration{0});
        return plan;
    }
    auto active = claims.owned;
    std::erase_if(active, [](const ObjectPtr& pod) { return !pod_active(*pod); });
    const auto missing = set.deleting() ? 0 : set["spec"]["replicas"].num(1) - std::ssize(active);
    const auto counted = census(active, claims.owned, pass);
    auto status = status_of(counted, pass, missing);
    const auto* before = set["status"].value();
    if (!before || *before != status) {
        auto copy = set.value();
        copy["status"] = std::move(status);
        plan.update_status(replicasets(), std::move(copy));
    }
    if (!set.deleting()) manage(plan, pass, std::move(active), missing);
    if (counted.next_available) plan.again_in(*counted.next_available - pass.now);
    return plan;
}

/// What of a pod its set looks at: most of what the node writes is none of its business.
auto face(const Object& pod) {
    const Ref p(pod.value());
    return std::tuple(pod.deleting(), p["status"]["phase"].str(), condition(p, "Ready")["status"].str(),
                      condition(p, "Ready")["lastTransitionTime"].str());
}

bool matters(const store::Event& event) {
    if (event.type != store::EventType::modified) return true;
    const auto same = [&](std::string_view part) {
        const auto now = event.object->meta()[part], before = event.previous->meta()[part];
        return now.items() == before.items() && now.members() == before.members();
    };
    return !same("labels") || !same("ownerReferences") || face(*event.object) != face(*event.previous);
}

engine::Watch watch_pods() {
    auto owned = engine::watch_owned(pods(), replicasets(), "ReplicaSet");
    return {pods(), [owned](const store::Event& event, const engine::View& view, engine::Keys& keys) {
                if (matters(event)) owned.wakes(event, view, keys);
            }};
}

/// A pod without a controller may be wanted by any replica set of its namespace.
void wake_adopters(const store::Event& event, const engine::View& view, engine::Keys& keys) {
    const auto& pod = *event.object;
    if (!matters(event)) return;
    if (event.type == store::EventType::deleted || pod.deleting() || engine::controller_of(pod)) return;
    for (const auto& set : view.list(replicasets(), event.key.ns)) {
        const auto selector = object::LabelSelector::from_json((*set)["spec"]["selector"]);
        if (selector && selector->matches(pod.meta()["labels"]))
            keys.push_back({replicasets(), event.key.ns, std::string(set->name())});
    }
}

}  // namespace

engine::Controller replicaset_controller() {
    return {.name = "replicaset",
            .watches = {engine::watch(replicasets()), watch_pods(), {pods(), wake_adopters}},
            .reconcile = reconcile};
}

}  // namespace control
