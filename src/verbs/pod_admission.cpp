#include "verbs/pod_admission.h"

#include <fmt/format.h>

#include <algorithm>

#include "verbs/errors.h"

namespace verbs {

using base::Result;
using object::Ref;

namespace {

struct Priority {
    std::string name;
    std::int64_t value = 0;
    std::string policy = "PreemptLowerPriority";
};

std::unexpected<base::Error> refuse(const Target& target, const json::object& pod, std::string_view why) {
    return std::unexpected(forbidden(*target.kind, Ref(pod)["metadata"]["name"].str(), why));
}

Priority priority_of(const object::Object& priority_class) {
    return {.name = std::string(priority_class.name()),
            .value = priority_class["value"].num(),
            .policy = std::string(priority_class["preemptionPolicy"].str("PreemptLowerPriority"))};
}

const store::Resource& priority_classes() {
    static const store::Resource resource{"scheduling.k8s.io", "priorityclasses"};
    return resource;
}

/// The default class of lowest value; no class and 0 when there is none.
Priority default_priority(const store::Store& store) {
    object::ObjectPtr found;
    for (const auto& one : store.list(priority_classes()))
        if ((*one)["globalDefault"].flag() && (!found || (*one)["value"].num() < (*found)["value"].num())) found = one;
    return found ? priority_of(*found) : Priority{};
}

Result<Priority> find_priority(const store::Store& store, const Target& target, const json::object& pod) {
    const auto name = std::string(Ref(pod)["spec"]["priorityClassName"].str());
    if (name.empty()) return default_priority(store);
    // The classes of the system itself are always there.
    if (name == "system-cluster-critical") return Priority{.name = name, .value = 2'000'000'000};
    if (name == "system-node-critical") return Priority{.name = name, .value = 2'000'001'000};
    if (const auto found = store.get({priority_classes(), "", name})) return priority_of(*found);
    return refuse(target, pod, fmt::format("no PriorityClass with name {} was found", name));
}

Result<void> add_overhead(const Target& target, json::object& spec, const json::object& pod, Ref overhead) {
    const Ref own = Ref(spec)["overhead"];
    if (!overhead && own.size() > 0)
        return refuse(target, pod,
                      "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead");
    if (!overhead) return {};
    if (own.size() > 0 && own.members() != overhead.members())
        return refuse(target, pod, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
    spec["overhead"] = overhead.members();
    return {};
}

Result<void> add_scheduling(const Target& target, json::object& spec, const json::object& pod, Ref scheduling) {
    for (const auto& [key, value] : scheduling["nodeSelector"].members()) {
        auto& selector = object::child(spec, "nodeSelector");
        const auto* own = selector.if_contains(key);
        if (own && *own != value)
            return refuse(target, pod,
                          fmt::format("conflict: runtimeClass.scheduling.nodeSelector[{0}] = {1}; "
                                      "pod.spec.nodeSelector[{0}] = {2}",
                                      std::string_view(key), Ref(value).str(), Ref(*own).str()));
        selector[key] = value;
    }
    for (const auto& toleration : scheduling["tolerations"].items()) {
        auto& own = object::list(spec, "tolerations");
        if (std::ranges::find(own, toleration) == own.end()) own.push_back(toleration);
    }
    return {};
}

}  // namespace

Result<void> admit_priority(const store::Store& store, const Target& target, json::object& pod) {
    const auto priority = TRY(find_priority(store, target, pod));
    auto& spec = object::child(pod, "spec");
    if (const Ref said = Ref(spec)["priority"]; said && said.num() != priority.value)
        return refuse(target, pod,
                      fmt::format("the integer value of priority ({}) must not be provided in pod spec; priority "
                                  "admission controller computed {} from the given PriorityClass name",
                                  said.num(), priority.value));
    if (const Ref said = Ref(spec)["preemptionPolicy"]; said && said.str() != priority.policy)
        return refuse(target, pod,
                      fmt::format("the string value of PreemptionPolicy ({}) must not be provided in pod spec; "
                                  "priority admission controller computed {} from the given PriorityClass name",
                                  said.str(), priority.policy));
    if (!priority.name.empty()) spec["priorityClassName"] = priority.name;
    spec["priority"] = priority.value;
    spec["preemptionPolicy"] = priority.policy;
    return {};
}

Result<void> admit_runtime_class(const store::Store& store, const Target& target, json::object& pod) {
    auto& spec = object::child(pod, "spec");
    const auto name = std::string(Ref(spec)["runtimeClassName"].str());
    const auto runtime = name.empty() ? object::ObjectPtr() : store.get({{"node.k8s.io", "runtimeclasses"}, "", name});
    if (!name.empty() && !runtime)
        return refuse(target, pod, fmt::format("pod rejected: RuntimeClass \"{}\" not found", name));
    TRY(add_overhead(target, spec, pod, runtime ? (*runtime)["overhead"]["podFixed"] : Ref()));
    return runtime ? add_scheduling(target, spec, pod, (*runtime)["scheduling"]) : Result<void>{};
}

}  // namespace verbs
