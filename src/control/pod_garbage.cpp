// Pods and Events that nobody takes away any more. Rule: a pod bound to a node that has been missing for a while goes
// without grace; an Event goes an hour after it was last seen.
#include "control/controllers.h"
#include "control/workload.h"

namespace control {

namespace {

constexpr auto missing_max = std::chrono::seconds(40);
constexpr auto event_life = std::chrono::hours(1);

const Resource& events() {
    static const Resource resource{"", "events"};
    return resource;
}

/// Only a node that was seen to go is missed: the key is the node.
Result<Plan> reconcile_node(const Pass& pass) {
    Plan plan;
    if (pass.object) return plan;
    for (const auto& pod : pass.view.pods_on(pass.key.name)) {
        const auto since = base::parse_rfc3339(pod->meta()["creationTimestamp"].str()).value_or(pass.now);
        const auto at = std::max(since, pass.started) + missing_max;
        if (at > pass.now)
            plan.again_in(at - pass.now + std::chrono::milliseconds(10));
        else
            plan.remove({.resource = pods(),
                         .ns = std::string(pod->ns()),
                         .name = std::string(pod->name()),
                         .options = {.grace_s = 0, .precondition_uid = std::string(pod->uid())}});
    }
    return plan;
}

void wake_node(const store::Event& event, const engine::View& view, engine::Keys& keys) {
    const store::Key node{nodes(), "", std::string((*event.object)["spec"]["nodeName"].str())};
    if (event.type != store::EventType::deleted && !node.name.empty() && !view.get(node)) keys.push_back(node);
}

Result<Plan> expire(const Pass& pass) {
    Plan plan;
    if (!pass.object) return plan;
    // The newest of what its writers say; a series goes on after the first time.
    const auto& event = *pass.object;
    std::optional<Time> seen;
    for (const auto& time : {event["lastTimestamp"], event["eventTime"], event["series"]["lastObservedTime"]})
        if (const auto said = base::parse_rfc3339(time.str())) seen = std::max(seen.value_or(*said), *said);
    if (!seen) seen = base::parse_rfc3339(event.meta()["creationTimestamp"].str());
    const auto at = seen.value_or(pass.now) + event_life;
    if (at > pass.now)
        plan.again_in(at - pass.now);
    else
        plan.remove({.resource = events(), .ns = pass.key.ns, .name = pass.key.name});
    return plan;
}

}  // namespace

engine::Controller pod_garbage_controller() {
    return {
        .name = "pod-garbage", .watches = {engine::watch(nodes()), {pods(), wake_node}}, .reconcile = reconcile_node};
}

engine::Controller event_expiry_controller() {
    return {.name = "event-expiry", .watches = {engine::watch(events())}, .reconcile = expire};
}

}  // namespace control
