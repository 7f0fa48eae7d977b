// The scheduler of a small cluster: the first node that a pod fits goes, the emptiest one first. Rule: a pod that fits
// nowhere says why in upstream's words and is looked at again when something changes that could help it.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "control/controllers.h"
#include "control/host_ports.h"
#include "control/pod_affinity.h"
#include "control/workload.h"

namespace control {

namespace {

constexpr std::string_view component = "default-scheduler";

bool to_be_scheduled(const Object& pod) {
    return pod["spec"]["nodeName"].str().empty() && !pod.deleting() && !pod_finished(Ref(pod.value())) &&
           pod["spec"]["schedulerName"].str(component) == component && pod["spec"]["schedulingGates"].size() == 0;
}

bool tolerates(Ref pod, Ref taint) {
    return std::ranges::any_of(pod["spec"]["tolerations"].items(), [&](const json::value& item) {
        const Ref one(item);
        if (const auto effect = one["effect"].str(); !effect.empty() && effect != taint["effect"].str()) return false;
        const auto key = one["key"].str();
        const bool exists = one["operator"].str() == "Exists";
        if (key.empty()) return exists;
        return key == taint["key"].str() && (exists || one["value"].str() == taint["value"].str());
    });
}

std::optional<std::int64_t> integer(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

bool expression_holds(Ref expression, Ref labels) {
    const auto label = labels[expression["key"].str()];
    const auto op = expression["operator"].str();
    const auto& values = expression["values"].items();
    const bool among = std::ranges::any_of(values, [&](const json::value& v) { return Ref(v).str() == label.str(); });
    if (op == "In") return label && among;
    if (op == "NotIn") return !label || !among;
    if (op == "Exists") return static_cast<bool>(label);
    if (op == "DoesNotExist") return !label;
    const auto have = integer(label.str());
    const auto want = values.empty() ? std::nullopt : integer(Ref(values.front()).str());
    if (!have || !want) return false;
    return op == "Gt" ? *have > *want : op == "Lt" && *have < *want;
}

bool term_holds(Ref term, const Object& node) {
    if (term["matchExpressions"].size() + term["matchFields"].size() == 0) return false;
    const json::object fields{{"metadata.name", node.name()}};
    return std::ranges::all_of(term["matchExpressions"].items(),
                               [&](const json::value& e) { return expression_holds(Ref(e), node.meta()["labels"]); }) &&
           std::ranges::all_of(term["matchFields"].items(),
                               [&](const json::value& e) { return expression_holds(Ref(e), Ref(fields)); });
}

bool selected(Ref pod, const Object& node) {
    if (!object::LabelSelector::from_map(pod["spec"]["nodeSelector"]).matches(node.meta()["labels"])) return false;
    const auto required = pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    if (!required) return true;
    return std::ranges::any_of(required["nodeSelectorTerms"].items(),
                               [&](const json::value& term) { return term_holds(Ref(term), node); });
}

/// What keeps a pod off a node; empty when it may go there. `helpless` is set when evicting others would not help.
struct Refusal {
    std::vector<std::string> reasons;
    bool helpless = false;
};

Refusal ports_refusal(Ref pod, const Object& node, const engine::View& view) {
    const bool taken = std::ranges::any_of(view.pods_on(node.name()), [&](const ObjectPtr& other) {
        const Ref there(other->value());
        return !pod_finished(there) && ports_collide(pod, there);
    });
    if (!taken) return {};
    return {{"node(s) didn't have free ports for the requested pod ports"}, false};
}

/// What keeps a pod off every node: a claim that is not there, or about to go.
std::string claim_refusal(const Object& pod, const engine::View& view) {
    for (const Ref volume : pod["spec"]["volumes"].items()) {
        const auto claim = volume["persistentVolumeClaim"]["claimName"].str();
        if (claim.empty()) continue;
        const auto found = view.get({{"", "persistentvolumeclaims"}, std::string(pod.ns()), std::string(claim)});
        if (!found) return fmt::format("persistentvolumeclaim \"{}\" not found", claim);
        if (found->deleting()) return fmt::format("persistentvolumeclaim \"{}\" is being deleted", claim);
    }
    return "";
}

Refusal resources_refusal(Ref pod, const Object& node, const engine::View& view) {
    const auto allocatable = node["status"]["allocatable"];
    auto used = view.used_on(node.name());
    used += engine::requests_of(pod);
    Refusal out;
    if (const auto most = allocatable["pods"]; most && used.pods > engine::quantity_whole(most))
        out.reasons.emplace_back("Too many pods");
    if (used.cpu_milli > engine::quantity_milli(allocatable["cpu"]) && engine::requests_of(pod).cpu_milli > 0)
        out.reasons.emplace_back("Insufficient cpu");
    if (used.memory_bytes > engine::quantity_whole(allocatable["memory"]) && engine::requests_of(pod).memory_bytes > 0)
        out.reasons.emplace_back("Insufficient memory");
    if (used.ephemeral_bytes > engine::quantity_whole(allocatable["ephemeral-storage"]) &&
        engine::requests_of(pod).ephemeral_bytes > 0)
        out.reasons.emplace_back("Insufficient ephemeral-storage");
    return out;
}

Refusal refusal(const Object& object, const Object& node, const engine::View& view) {
    const Ref pod(object.value());
    if (node["spec"]["unschedulable"].flag()) {
        const json::object taint{{"key", "node.kubernetes.io/unschedulable"}, {"effect", "NoSchedule"}};
        if (!tolerates(pod, Ref(taint))) return {{"node(s) were unschedulable"}, true};
    }
    for (const auto& taint : node["spec"]["taints"].items()) {
        const auto effect = Ref(taint)["effect"].str();
        if (effect == "PreferNoSchedule" || tolerates(pod, Ref(taint))) continue;
        return {{fmt::format("node(s) had untolerated taint(s)")}, true};
    }
    if (!selected(pod, node)) return {{"node(s) didn't match Pod's node affinity/selector"}, true};
    if (auto ports = ports_refusal(pod, node, view); !ports.reasons.empty()) return ports;
    if (auto resources = resources_refusal(pod, node, view); !resources.reasons.empty()) return resources;
    const auto neighbours = neighbour_refusal(pod, node, view);
    if (neighbours.reason.empty()) return {};
    return {{std::string(neighbours.reason)}, neighbours.helpless};
}

std::string explanation(const std::map<std::string, int>& reasons, int node_count, int helpless) {
    if (node_count == 0) return "no nodes available to schedule pods";
    std::vector<std::string> parts;
    for (const auto& [reason, count] : reasons) parts.push_back(fmt::format("{} {}", count, reason));
    std::vector<std::string> preemption;
    if (node_count > helpless)
        preemption.push_back(fmt::format("{} No preemption victims found for incoming pod", node_count - helpless));
    if (helpless > 0) preemption.push_back(fmt::format("{} Preemption is not helpful for scheduling", helpless));
    return fmt::format("0/{0} nodes are available: {1}. preemption: 0/{0} nodes are available: {2}.", node_count,
                       fmt::join(parts, ", "), fmt::join(preemption, ", "));
}

void bind(Plan& plan, const Pass& pass, std::string_view node) {
    plan.update(pods(),
                {{"metadata", {{"name", pass.key.name}, {"namespace", pass.key.ns}}},
                 {"target", {{"apiVersion", "v1"}, {"kind", "Node"}, {"name", node}}}},
                "binding");
    plan.note({.about = pass.object,
               .resource = pods(),
               .reason = "Scheduled",
               .message = fmt::format("Successfully assigned {}/{} to {}", pass.key.ns, pass.key.name, node),
               .component = std::string(component),
               .action = "Binding"});
}

void explain(Plan& plan, const Pass& pass, std::string message) {
    const auto before = condition(Ref(pass.object->value()), "PodScheduled");
    const bool said = before["status"].str() == "False" && before["reason"].str() == "Unschedulable" &&
                      before["message"].str() == message;
    if (said) return;
    auto copy = pass.object->value();
    auto& list = object::list(object::child(copy, "status"), "conditions");
    const auto since =
        before["status"].str() == "False" ? std::string(before["lastTransitionTime"].str()) : base::rfc3339(pass.now);
    erase_items(list, [](const json::value& one) { return Ref(one)["type"].str() == "PodScheduled"; });
    list.push_back({{"type", "PodScheduled"},
                    {"observedGeneration", pass.object->meta()["generation"].num(1)},
                    {"status", "False"},
                    {"lastProbeTime", nullptr},
                    {"lastTransitionTime", since},
                    {"reason", "Unschedulable"},
                    {"message", message}});
    plan.update_status(pods(), std::move(copy));
    plan.note({.about = pass.object,
               .resource = pods(),
               .level = engine::Level::warning,
               .reason = "FailedScheduling",
               .message = std::move(message),
               .component = std::string(component),
               .action = "Scheduling"});
}

Result<Plan> reconcile(const Pass& pass) {
    Plan plan;
    if (!pass.object || !to_be_scheduled(*pass.object)) return plan;
    const auto all = pass.view.list(nodes());
    if (const auto claim = claim_refusal(*pass.object, pass.view); !claim.empty()) {
        explain(plan, pass, fmt::format("0/{} nodes are available: {}.", all.size(), claim));
        return plan;
    }
    std::map<std::string, int> reasons;
    int helpless = 0;
    ObjectPtr best;
    for (const auto& node : all) {
        if (node->deleting()) continue;
        const auto no = refusal(*pass.object, *node, pass.view);
        if (no.reasons.empty()) {
            if (!best || pass.view.used_on(node->name()).pods < pass.view.used_on(best->name()).pods) best = node;
            continue;
        }
        for (const auto& reason : no.reasons) ++reasons[reason];
        helpless += no.helpless;
    }
    if (best)
        bind(plan, pass, best->name());
    else
        explain(plan, pass, explanation(reasons, static_cast<int>(all.size()), helpless));
    return plan;
}

void wake_waiting(const engine::View& view, engine::Keys& keys) {
    for (const auto& pod : view.pods_on(""))
        if (to_be_scheduled(*pod)) keys.push_back({pods(), std::string(pod->ns()), std::string(pod->name())});
}

void wake_by_pod(const store::Event& event, const engine::View& view, engine::Keys& keys) {
    const auto& pod = *event.object;
    const bool left = event.type == store::EventType::deleted || pod_finished(Ref(pod.value()));
    if (!left && to_be_scheduled(pod)) keys.push_back(event.key);
    const auto node = pod["spec"]["nodeName"].str();
    // Room was made: whoever waits may fit now.
    if (left && !node.empty()) return wake_waiting(view, keys);
    const bool arrived = !node.empty() && (!event.previous || (*event.previous)["spec"]["nodeName"].str().empty());
    if (!arrived) return;
    for (const auto& waiting : view.pods_on(""))
        if (to_be_scheduled(*waiting) && wants_neighbours(Ref(waiting->value())))
            keys.push_back({pods(), std::string(waiting->ns()), std::string(waiting->name())});
}

void wake_by_node(const store::Event& event, const engine::View& view, engine::Keys& keys) {
    const auto matters = [](const Object& node) {
        return std::tuple(json::value(node["spec"].members()), json::value(node.meta()["labels"].members()),
                          json::value(node["status"]["allocatable"].members()));
    };
    if (event.type == store::EventType::modified && matters(*event.object) == matters(*event.previous)) return;
    wake_waiting(view, keys);
}

void wake_by_claim(const store::Event&, const engine::View& view, engine::Keys& keys) { wake_waiting(view, keys); }

}  // namespace

engine::Controller scheduler() {
    return {
        .name = "scheduler",
        .watches = {{pods(), wake_by_pod}, {nodes(), wake_by_node}, {{"", "persistentvolumeclaims"}, wake_by_claim}},
        .reconcile = reconcile,
        .manager = "kube-scheduler"};
}

}  // namespace control
