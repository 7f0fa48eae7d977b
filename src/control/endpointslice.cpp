// EndpointSlices of services with a selector. Rule: an endpoint stays in the slice where it stands, slices hold at most
// 100 endpoints with the same ports, and a service without pods has one empty slice.
#include <algorithm>
#include <map>
#include <set>

#include "control/controllers.h"
#include "control/endpoints_of.h"

namespace control {

namespace {

const Resource& slices() {
    static const Resource resource{"discovery.k8s.io", "endpointslices"};
    return resource;
}

constexpr std::string_view managed_by = "endpointslice.kubernetes.io/managed-by";
constexpr std::string_view manager = "endpointslice-controller.k8s.io";
constexpr std::string_view service_label = "kubernetes.io/service-name";
constexpr std::size_t slice_max = 100;

json::object endpoint_of(const Backend& backend, const Object& service, const engine::View& view) {
    const auto& pod = *backend.pod;
    const bool publish_all = service["spec"]["publishNotReadyAddresses"].flag();
    json::object out{{"addresses", json::array{backend.ip}},
                     {"conditions",
                      {{"ready", publish_all || (backend.ready && !backend.terminating)},
                       {"serving", backend.ready},
                       {"terminating", backend.terminating}}}};
    if (const auto hostname = published_hostname(pod, service); !hostname.empty()) out["hostname"] = hostname;
    out["targetRef"] = target_ref(pod);
    const auto node_name = pod["spec"]["nodeName"].str();
    if (node_name.empty()) return out;
    out["nodeName"] = node_name;
    if (const auto node = view.get({nodes(), "", std::string(node_name)}))
        if (const auto zone = node->meta()["labels"]["topology.kubernetes.io/zone"].str(); !zone.empty())
            out["zone"] = zone;
    return out;
}

json::object labels_of(const Object& service, json::object labels) {
    for (const auto& [name, value] : service.meta()["labels"].members()) labels[name] = value;
    labels[service_label] = service.name();
    labels[managed_by] = manager;
    if (is_headless(service))
        labels[headless_label] = "";
    else
        labels.erase(headless_label);
    return labels;
}

struct Wanted {
    json::array ports;
    std::map<std::string, json::object> endpoints;  ///< by pod uid
    std::map<std::string, ObjectPtr> pods;
};
using Groups = std::map<std::string, Wanted>;  ///< by ports

/// A slice as it is to be.
struct Draft {
    ObjectPtr live;  ///< null: to be made
    json::array ports, endpoints;
    std::vector<ObjectPtr> changed;  ///< pods whose endpoint changed
    bool touched = false;
};

Groups wanted_groups(const Object& service, const engine::View& view) {
    Groups groups;
    for (const auto& backend : backends(service, view, Terminating::included)) {
        auto& group = groups[json::serialize(backend.ports)];
        group.ports = backend.ports;
        const std::string uid(backend.pod->uid());
        group.endpoints[uid] = endpoint_of(backend, service, view);
        group.pods[uid] = backend.pod;
    }
    return groups;
}

/// What of a live slice is still wanted; takes those endpoints out of their group.
Draft keep(const ObjectPtr& live, Groups& groups) {
    Draft draft{.live = live, .ports = (*live)["ports"].items()};
    const auto group = groups.find(json::serialize(draft.ports));
    for (const auto& endpoint : (*live)["endpoints"].items()) {
        const auto uid = std::string(Ref(endpoint)["targetRef"]["uid"].str());
        if (group == groups.end()) continue;
        const auto wanted = group->second.endpoints.find(uid);
        if (wanted == group->second.endpoints.end()) continue;
        if (endpoint != wanted->second) draft.changed.push_back(group->second.pods[uid]);
        draft.endpoints.emplace_back(std::move(wanted->second));
        group->second.endpoints.erase(wanted);
    }
    draft.touched = draft.endpoints != (*live)["endpoints"].items();
    return draft;
}

/// What no slice has yet goes where there is room, then into new slices.
void place(std::vector<Draft>& drafts, Groups& groups) {
    for (auto& [key, group] : groups) {
        auto at = drafts.begin();
        for (auto& [uid, endpoint] : group.endpoints) {
            const auto fits = [&](const Draft& d) { return d.ports == group.ports && d.endpoints.size() < slice_max; };
            at = std::find_if(at, drafts.end(), fits);
            if (at == drafts.end()) {
                // An empty slice of other ports is taken over rather than removed.
                at = std::ranges::find_if(drafts, [](const Draft& d) { return d.endpoints.empty(); });
                if (at == drafts.end()) at = drafts.insert(drafts.end(), Draft{});
                at->ports = group.ports;
            }
            at->endpoints.emplace_back(std::move(endpoint));
            at->changed.push_back(group.pods[uid]);
            at->touched = true;
        }
    }
}

void write(Plan& plan, const Object& service, Draft draft) {
    auto body = draft.live
                    ? draft.live->value()
                    : json::object{{"metadata",
                                    {{"generateName", std::string(service.name()) + "-"},
                                     {"namespace", service.ns()},
                                     {"ownerReferences", json::array{owner_reference(service, {"v1", "Service"})}}}},
                                   {"addressType", "IPv4"}};
    auto& meta = object::child(body, "metadata");
    const auto labels = labels_of(service, draft.live ? draft.live->meta()["labels"].members() : json::object{});
    if (draft.live && !draft.touched && draft.live->meta()["labels"].members() == labels) return;
    meta["labels"] = labels;
    auto& annotations = object::child(meta, "annotations");
    annotations.erase(trigger_annotation);
    if (const auto trigger = change_trigger(draft.changed, draft.live ? nullptr : &service); !trigger.empty())
        annotations[trigger_annotation] = trigger;
    if (annotations.empty()) meta.erase("annotations");
    // Empty lists are null on the wire.
    body["endpoints"] = draft.endpoints.empty() ? json::value() : json::value(std::move(draft.endpoints));
    body["ports"] = draft.ports.empty() ? json::value() : json::value(std::move(draft.ports));
    if (draft.live)
        plan.update(slices(), std::move(body));
    else
        plan.create({.resource = slices(), .ns = std::string(service.ns()), .body = std::move(body)});
}

Result<Plan> reconcile(const Pass& pass) {
    Plan plan;
    if (!pass.object || pass.object->deleting() || !has_managed_endpoints(*pass.object)) return plan;
    const auto& service = *pass.object;
    auto groups = wanted_groups(service, pass.view);
    std::vector<Draft> drafts;
    for (const auto& live : pass.view.owned_by(slices(), service.uid())) {
        if (live->deleting() || live->meta()["labels"][managed_by].str() != manager) continue;
        drafts.push_back(keep(live, groups));
    }
    place(drafts, groups);
    if (drafts.empty()) drafts.push_back({.touched = true});
    // The first slice without endpoints stays only when there is no other.
    bool kept = std::ranges::any_of(drafts, [](const Draft& d) { return !d.endpoints.empty(); });
    for (auto& draft : drafts) {
        if (draft.endpoints.empty() && kept) {
            plan.remove({.resource = slices(),
                         .ns = std::string(service.ns()),
                         .name = std::string(draft.live->name()),
                         .options = {.precondition_uid = std::string(draft.live->uid())}});
            continue;
        }
        if (draft.endpoints.empty() && !draft.ports.empty()) draft.ports.clear(), draft.touched = true;
        kept = true;
        write(plan, service, std::move(draft));
    }
    return plan;
}

}  // namespace

engine::Controller endpointslice_controller() {
    return {.name = "endpointslice",
            .watches = {engine::watch(services()), watch_pods_of_services(),
                        engine::watch_owned(slices(), services(), "Service")},
            .reconcile = reconcile};
}

}  // namespace control
