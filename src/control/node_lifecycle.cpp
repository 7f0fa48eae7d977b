// A node whose lease is no longer renewed: its conditions become Unknown and it is tainted. Rule: silence counts from
// when this engine began, so that a node is not blamed for the time when nobody listened.
#include <array>

#include "control/controllers.h"
#include "control/workload.h"

namespace control {

namespace {

constexpr auto silence_max = std::chrono::seconds(50);
constexpr std::string_view not_ready = "node.kubernetes.io/not-ready";
constexpr std::string_view unreachable = "node.kubernetes.io/unreachable";

const Resource& leases() {
    static const Resource resource{"coordination.k8s.io", "leases"};
    return resource;
}

bool has_taint(const Object& node, std::string_view key, std::string_view effect) {
    return std::ranges::any_of(node["spec"]["taints"].items(), [&](const json::value& one) {
        return Ref(one)["key"].str() == key && Ref(one)["effect"].str() == effect;
    });
}

/// Taints follow the Ready condition: True none, False not-ready, Unknown unreachable.
void taint(Plan& plan, const Pass& pass, std::string_view ready) {
    const auto wanted = ready == "True" ? std::string_view{} : ready == "False" ? not_ready : unreachable;
    const auto& node = *pass.object;
    auto copy = node.value();
    auto& spec = object::child(copy, "spec");
    auto& taints = object::list(spec, "taints");
    erase_items(taints, [&](const json::value& one) {
        const auto key = Ref(one)["key"].str();
        return (key == not_ready || key == unreachable) && key != wanted;
    });
    for (const auto* effect : {"NoSchedule", "NoExecute"})
        if (!wanted.empty() && !has_taint(node, wanted, effect))
            taints.push_back({{"key", wanted}, {"effect", effect}, {"timeAdded", base::rfc3339(pass.now)}});
    if (taints.empty()) spec.erase("taints");
    if (spec.empty()) copy.erase("spec");
    if (copy != node.value()) plan.update(nodes(), std::move(copy));
}

void give_up(Plan& plan, const Pass& pass) {
    auto copy = pass.object->value();
    auto& list = object::list(object::child(copy, "status"), "conditions");
    const auto now = base::rfc3339(pass.now);
    for (auto& item : list) {
        auto& one = item.as_object();
        if (Ref(one)["status"].str() == "Unknown") continue;
        one["status"] = "Unknown";
        one["reason"] = "NodeStatusUnknown";
        one["message"] = "Kubelet stopped posting node status.";
        one["lastTransitionTime"] = now;
    }
    if (copy != pass.object->value()) plan.update_status(nodes(), std::move(copy));
}

Result<Plan> reconcile(const Pass& pass) {
    Plan plan;
    if (!pass.object || pass.object->deleting()) return plan;
    const auto ready = condition(Ref(pass.object->value()), "Ready");
    if (!ready) return plan;  // made by hand, or not reported yet
    const auto lease = pass.view.get({leases(), "kube-node-lease", pass.key.name});
    if (!lease) {
        taint(plan, pass, ready["status"].str());
        return plan;
    }
    const auto renewed = base::parse_rfc3339((*lease)["spec"]["renewTime"].str()).value_or(pass.started);
    const auto silent_at = std::max(renewed, pass.started) + silence_max;
    if (silent_at > pass.now) {
        taint(plan, pass, ready["status"].str());
        plan.again_in(silent_at - pass.now + std::chrono::seconds(1));
        return plan;
    }
    if (ready["status"].str() != "Unknown")
        give_up(plan, pass);
    else
        taint(plan, pass, "Unknown");
    return plan;
}

}  // namespace

engine::Controller node_lifecycle_controller() {
    return {.name = "node-lifecycle", .watches = {engine::watch(nodes())}, .reconcile = reconcile};
}

}  // namespace control
