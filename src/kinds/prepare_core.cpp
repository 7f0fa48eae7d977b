// First states of core and batch kinds other than Pods and Services.
#include <algorithm>
#include <charconv>
#include <string>

#include "kinds/prepare.h"

namespace kinds {

static void add_finalizer(json::object& object, std::string_view name) {
    auto& finalizers = list(child(object, "metadata"), "finalizers");
    const auto has = [&](const json::value& value) { return Ref(value).str() == name; };
    if (std::ranges::none_of(finalizers, has)) finalizers.emplace_back(name);
}

void prepare_namespace_create(json::object& ns) {
    auto& finalizers = list(child(ns, "spec"), "finalizers");
    const auto is_kubernetes = [](const json::value& value) { return Ref(value).str() == "kubernetes"; };
    if (std::ranges::none_of(finalizers, is_kubernetes)) finalizers.emplace_back("kubernetes");
    ns["status"] = json::object{{"phase", "Active"}};
}

void prepare_volume_create(json::object& volume) {
    volume["status"] = json::object{{"phase", "Pending"}};
    add_finalizer(volume, "kubernetes.io/pv-protection");
}

/// Both references name the same source; the newer one also reaches other namespaces and is then alone.
static void mirror_data_source(json::object& spec) {
    const Ref source_ref = Ref(spec)["dataSourceRef"];
    if (unset(spec, "dataSource") && source_ref && source_ref["namespace"].str().empty()) {
        const json::object copy = source_ref.members();
        spec["dataSource"] = copy;
    } else if (unset(spec, "dataSourceRef") && !unset(spec, "dataSource")) {
        const json::value copy = spec["dataSource"];
        spec["dataSourceRef"] = copy;
    }
}

static constexpr std::string_view template_generation = "deprecated.daemonset.template.generation";

void prepare_daemon_set_create(json::object& set) {
    child(child(set, "metadata"), "annotations")[template_generation] = "1";
}

/// Counts the template's changes; what a client writes there does not count.
void prepare_daemon_set_update(json::object& updated, const json::object& live) {
    std::int64_t count = 0;
    const auto text = Ref(live)["metadata"]["annotations"][template_generation].str();
    std::from_chars(text.data(), text.data() + text.size(), count);
    const Ref now = Ref(updated)["spec"]["template"];
    const Ref before = Ref(live)["spec"]["template"];
    if (now.members() != before.members()) ++count;
    child(child(updated, "metadata"), "annotations")[template_generation] = std::to_string(count);
}

void prepare_claim_create(json::object& claim) {
    mirror_data_source(child(claim, "spec"));
    claim["status"] = json::object{{"phase", "Pending"}};
    add_finalizer(claim, "kubernetes.io/pvc-protection");
}

/// A Job finds its pods by labels that name it, unless it brings a selector of its own.
void prepare_job_create(json::object& job) {
    const Ref metadata = Ref(job)["metadata"];
    const std::string name(metadata["name"].str());
    const std::string uid(metadata["uid"].str());
    auto& spec = child(job, "spec");
    if (Ref(spec)["manualSelector"].flag()) return;
    auto& labels = child(child(child(spec, "template"), "metadata"), "labels");
    for (const auto* key : {"job-name", "batch.kubernetes.io/job-name"})
        if (!labels.contains(key)) labels[key] = name;
    for (const auto* key : {"controller-uid", "batch.kubernetes.io/controller-uid"})
        if (!labels.contains(key)) labels[key] = uid;
    auto& match = child(child(spec, "selector"), "matchLabels");
    if (!match.contains("batch.kubernetes.io/controller-uid")) match["batch.kubernetes.io/controller-uid"] = uid;
}

/// Topology stands in fields of its own since discovery/v1.
void prepare_slice_create(json::object& slice) {
    if (auto* endpoints = find_list(slice, "endpoints"))
        for (auto& endpoint : *endpoints)
            if (endpoint.is_object()) endpoint.get_object().erase("deprecatedTopology");
}

void prepare_slice_update(json::object& updated, const json::object&) { prepare_slice_create(updated); }

void prepare_definition_create(json::object& definition) {
    auto& status = child(definition, "status");
    json::array stored;
    for (const auto& version : Ref(definition)["spec"]["versions"].items())
        if (Ref(version)["storage"].flag()) stored.emplace_back(Ref(version)["name"].str());
    status["storedVersions"] = std::move(stored);
}

}  // namespace kinds
