// Endpoints of services with a selector: ready and not ready addresses, grouped by their ports. Rule: the object is
// written only when addresses, ports or labels change.
#include <algorithm>

#include "control/controllers.h"
#include "control/endpoints_of.h"

namespace control {

namespace {

const Resource& endpoints() {
    static const Resource resource{"", "endpoints"};
    return resource;
}

constexpr std::string_view managed_by = "endpoints.kubernetes.io/managed-by";
constexpr std::size_t addresses_max = 1000;

json::object address_of(const Backend& backend, const Object& service) {
    json::object address{{"ip", backend.ip}};
    if (const auto hostname = published_hostname(*backend.pod, service); !hostname.empty())
        address["hostname"] = hostname;
    if (const auto node = (*backend.pod)["spec"]["nodeName"].str(); !node.empty()) address["nodeName"] = node;
    address["targetRef"] = target_ref(*backend.pod);
    return address;
}

json::array endpoint_ports(const json::array& ports) {
    json::array out;
    for (const auto& item : ports) {
        json::object port = item.as_object();
        if (Ref(port)["name"].str().empty()) port.erase("name");
        out.push_back(std::move(port));
    }
    return out;
}

struct Subsets {
    json::array items;
    std::size_t addresses = 0;
};

Subsets subsets_of(const Object& service, const std::vector<Backend>& behind) {
    const bool publish_all = service["spec"]["publishNotReadyAddresses"].flag();
    struct Group {
        json::array ports, ready, not_ready;
    };
    std::map<std::string, Group> groups;
    Subsets out;
    for (const auto& backend : behind) {
        if (out.addresses++ >= addresses_max) break;
        auto& group = groups[json::serialize(backend.ports)];
        group.ports = endpoint_ports(backend.ports);
        auto& list = publish_all || backend.ready ? group.ready : group.not_ready;
        list.push_back(address_of(backend, service));
    }
    for (auto& [key, group] : groups) {
        json::object subset;
        if (!group.ready.empty()) subset["addresses"] = std::move(group.ready);
        if (!group.not_ready.empty()) subset["notReadyAddresses"] = std::move(group.not_ready);
        if (!group.ports.empty()) subset["ports"] = std::move(group.ports);
        out.items.push_back(std::move(subset));
    }
    return out;
}

json::object labels_of(const Object& service) {
    auto labels = service.meta()["labels"].members();
    labels[managed_by] = "endpoint-controller";
    if (is_headless(service))
        labels[headless_label] = "";
    else
        labels.erase(headless_label);
    return labels;
}

/// "ready" or "not ready" places of a subset list, by pod uid.
std::map<std::string, bool> places(const json::array& subsets) {
    std::map<std::string, bool> out;
    for (const auto& subset : subsets)
        for (const auto* list : {"addresses", "notReadyAddresses"})
            for (const auto& address : Ref(subset)[list].items())
                out[std::string(Ref(address)["targetRef"]["uid"].str())] = list == std::string_view("addresses");
    return out;
}

Result<Plan> reconcile(const Pass& pass) {
    Plan plan;
    const store::Key key{endpoints(), pass.key.ns, pass.key.name};
    const auto live = pass.view.get(key);
    if (!pass.object) {
        if (live && live->meta()["labels"][managed_by])
            plan.remove({.resource = endpoints(),
                         .ns = key.ns,
                         .name = key.name,
                         .options = {.precondition_uid = std::string(live->uid())}});
        return plan;
    }
    const auto& service = *pass.object;
    if (!has_managed_endpoints(service)) return plan;
    const bool publish_all = service["spec"]["publishNotReadyAddresses"].flag();
    const auto behind = backends(service, pass.view, publish_all ? Terminating::included : Terminating::left_out);
    auto wanted = subsets_of(service, behind);
    const auto labels = labels_of(service);
    if (live && (*live)["subsets"].items() == wanted.items && live->meta()["labels"].members() == labels) return plan;

    const auto before = places(live ? (*live)["subsets"].items() : json::array{});
    const auto after = places(wanted.items);
    std::vector<ObjectPtr> changed;
    for (const auto& backend : behind) {
        const std::string uid(backend.pod->uid());
        const auto was = before.find(uid), is = after.find(uid);
        if (is != after.end() && (was == before.end() || was->second != is->second)) changed.push_back(backend.pod);
    }
    const auto trigger = change_trigger(changed, live ? nullptr : &service);
    auto body = live ? live->value() : json::object{{"metadata", {{"name", key.name}, {"namespace", key.ns}}}};
    auto& meta = object::child(body, "metadata");
    meta["labels"] = labels;
    auto& annotations = object::child(meta, "annotations");
    annotations.erase(trigger_annotation);
    if (!trigger.empty()) annotations[trigger_annotation] = trigger;
    if (annotations.empty()) meta.erase("annotations");
    if (wanted.items.empty())
        body.erase("subsets");
    else
        body["subsets"] = std::move(wanted.items);
    if (live)
        plan.update(endpoints(), std::move(body));
    else
        plan.create({.resource = endpoints(), .ns = key.ns, .body = std::move(body)});
    return plan;
}

/// Endpoints carry the name of their service.
void wake_service(const store::Event& event, const engine::View&, engine::Keys& keys) {
    keys.push_back({services(), event.key.ns, event.key.name});
}

}  // namespace

engine::Controller endpoints_controller() {
    return {.name = "endpoints",
            .watches = {engine::watch(services()), watch_pods_of_services(), {endpoints(), wake_service}},
            .reconcile = reconcile};
}

}  // namespace control
