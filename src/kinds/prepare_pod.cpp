// A Pod's first status, and what its special paths may change.
#include <algorithm>
#include <array>
#include <string>

#include "kinds/prepare.h"
#include "kinds/resources.h"

namespace kinds {

static constexpr std::array<std::string_view, 2> qos_resources{"cpu", "memory"};

/// Requests and limits that count: zero amounts do not.
struct Demand {
    ResourceList requests, limits;
    bool every_limit = true;  ///< each part has both limits
};

static void add_demand(Demand& demand, Ref resources) {
    std::size_t limited = 0;
    for (const auto name : qos_resources) {
        if (const auto amount = amount_of(resources["requests"][name]); amount.sign() > 0)
            demand.requests.add(name, amount);
        if (const auto amount = amount_of(resources["limits"][name]); amount.sign() > 0) {
            demand.limits.add(name, amount);
            ++limited;
        }
    }
    if (limited != qos_resources.size()) demand.every_limit = false;
}

std::string_view quality_of_service(Ref pod) {
    Demand demand;
    const Ref spec = pod["spec"];
    if (spec["resources"].size() > 0) {
        add_demand(demand, spec["resources"]);
    } else {
        for (const auto* containers : {"initContainers", "containers"})
            for (const auto& container : spec[containers].items()) add_demand(demand, Ref(container)["resources"]);
    }
    if (demand.requests.empty() && demand.limits.empty()) return "BestEffort";
    return demand.every_limit && demand.requests == demand.limits ? "Guaranteed" : "Burstable";
}

static json::object gated_condition(Ref pod) {
    json::object condition{
        {"type", "PodScheduled"},      {"status", "False"},
        {"lastProbeTime", nullptr},    {"lastTransitionTime", nullptr},
        {"reason", "SchedulingGated"}, {"message", "Scheduling is blocked due to non-empty scheduling gates"}};
    if (const Ref created = pod["metadata"]["creationTimestamp"]) condition["lastTransitionTime"] = *created.value();
    return condition;
}

void prepare_pod_create(json::object& pod) {
    json::object status{{"phase", "Pending"}};
    if (Ref(pod)["spec"]["schedulingGates"].size() > 0) status["conditions"] = json::array{gated_condition(pod)};
    status["qosClass"] = quality_of_service(pod);
    pod["status"] = std::move(status);
    merge_match_label_keys(pod);
}

void prepare_pod_status(json::object& updated, const json::object& live) {
    auto& metadata = child(updated, "metadata");
    if (const auto* owners = Ref(live)["metadata"]["ownerReferences"].value())
        metadata["ownerReferences"] = *owners;
    else
        metadata.erase("ownerReferences");
    auto& status = child(updated, "status");
    if (const Ref quality = Ref(live)["status"]["qosClass"]) fill_zero(status, "qosClass", *quality.value());
}

static void add_expression(json::object& selector, std::string_view key, std::string_view op, std::string_view value) {
    list(selector, "matchExpressions")
        .push_back(json::object{{"key", key}, {"operator", op}, {"values", json::array{value}}});
}

/// Writes `keys` of `holder` as requirements on the pod's label values into its labelSelector.
static void merge_keys(json::object& holder, std::string_view keys, std::string_view op, Ref labels) {
    if (!Ref(holder)["labelSelector"]) return;
    const json::array names = Ref(holder)[keys].items();
    for (const auto& name : names) {
        const auto key = Ref(name).str();
        if (const Ref value = labels[key]; !value.missing())
            add_expression(child(holder, "labelSelector"), key, op, value.str());
    }
}

void merge_match_label_keys(json::object& pod) {
    const json::object labels = Ref(pod)["metadata"]["labels"].members();
    auto& spec = child(pod, "spec");
    const auto merge_term = [&](json::object& term) {
        merge_keys(term, "matchLabelKeys", "In", labels);
        merge_keys(term, "mismatchLabelKeys", "NotIn", labels);
    };
    if (auto* affinity = find_object(spec, "affinity")) {
        for (const auto* kind : {"podAffinity", "podAntiAffinity"}) {
            auto* terms = find_object(*affinity, kind);
            if (!terms) continue;
            if (auto* required = find_list(*terms, "requiredDuringSchedulingIgnoredDuringExecution"))
                for (auto& term : *required)
                    if (term.is_object()) merge_term(term.get_object());
            if (auto* preferred = find_list(*terms, "preferredDuringSchedulingIgnoredDuringExecution"))
                for (auto& weighted : *preferred)
                    if (weighted.is_object())
                        if (auto* term = find_object(weighted.get_object(), "podAffinityTerm")) merge_term(*term);
        }
    }
    if (auto* constraints = find_list(spec, "topologySpreadConstraints"))
        for (auto& constraint : *constraints)
            if (constraint.is_object()) merge_keys(constraint.get_object(), "matchLabelKeys", "In", labels);
}

static void take(json::object& to, const json::object& from, std::string_view key) {
    if (const auto* value = from.if_contains(key))
        to[key] = *value;
    else
        to.erase(key);
}

/// Takes resources and resize policies of containers that stand at the same place under the same name.
static void take_resources(json::object& spec, Ref wish, std::string_view containers) {
    auto* items = find_list(spec, containers);
    if (!items) return;
    for (std::size_t i = 0; i < items->size(); ++i) {
        auto* container = (*items)[i].if_object();
        const Ref other = wish[containers][i];
        if (!container || Ref(*container)["name"].str() != other["name"].str()) continue;
        take(*container, other.members(), "resources");
        take(*container, other.members(), "resizePolicy");
    }
}

void prepare_pod_part(json::object& updated, const json::object& live, std::string_view subresource) {
    json::object result = live;
    auto& spec = child(result, "spec");
    const Ref wish = Ref(updated)["spec"];
    if (subresource == "ephemeralcontainers") {
        take(spec, wish.members(), "ephemeralContainers");
    } else {
        take_resources(spec, wish, "containers");
        take_resources(spec, wish, "initContainers");
        take(spec, wish.members(), "resources");
    }
    for (const auto* key : {"resourceVersion", "managedFields"})
        take(child(result, "metadata"), Ref(updated)["metadata"].members(), key);
    updated = std::move(result);
}

}  // namespace kinds
