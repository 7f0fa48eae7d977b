// Endpoints that somebody wrote by hand for a service without a selector, as EndpointSlices: readers of slices see
// them. Rule (as upstream): one slice for each set of ports, owned by the Endpoints; none when the Endpoints ask for
// none.
#include <map>

#include "control/controllers.h"
#include "control/endpoints_of.h"

namespace control {

namespace {

constexpr std::string_view managed_by = "endpointslice.kubernetes.io/managed-by";
constexpr std::string_view manager = "endpointslicemirroring-controller.k8s.io";
constexpr std::string_view service_label = "kubernetes.io/service-name";
constexpr std::string_view skip_label = "endpointslice.kubernetes.io/skip-mirror";
constexpr std::string_view leader_annotation = "control-plane.alpha.kubernetes.io/leader";
constexpr std::string_view last_applied = "kubectl.kubernetes.io/last-applied-configuration";
/// No more addresses than this of one subset are shown.
constexpr std::size_t addresses_max = 1000;

const Resource& endpoints() {
    static const Resource resource{"", "endpoints"};
    return resource;
}
const Resource& slices() {
    static const Resource resource{"discovery.k8s.io", "endpointslices"};
    return resource;
}

bool to_be_mirrored(const Pass& pass) {
    if (!pass.object || pass.object->deleting()) return false;
    const auto& meta = pass.object->meta();
    if (meta["labels"][skip_label].str() == "true" || meta["annotations"][leader_annotation]) return false;
    const auto service = pass.view.get({services(), pass.key.ns, pass.key.name});
    return service && (*service)["spec"]["selector"].size() == 0;
}

json::object endpoint_of(Ref address, std::string_view list) {
    json::object out{{"addresses", json::array{json::value(address["ip"].str())}},
                     {"conditions", {{"ready", list == "addresses"}}}};
    for (const auto* field : {"hostname", "nodeName", "targetRef"})
        if (const auto given = address[field]) out[field] = *given.value();
    return out;
}

json::array ports_of(Ref subset) {
    json::array out;
    for (const auto& item : subset["ports"].items()) {
        json::object port{{"name", Ref(item)["name"].str()}, {"protocol", Ref(item)["protocol"].str("TCP")}};
        for (const auto* field : {"port", "appProtocol"})
            if (const auto given = Ref(item)[field]) port[field] = *given.value();
        out.push_back(std::move(port));
    }
    return out;
}

struct Mirror {
    json::array ports, endpoints;
};

/// By ports, so that each slice has one set of them.
std::map<std::string, Mirror> mirrors_of(const Object& object) {
    std::map<std::string, Mirror> out;
    for (const auto& item : object["subsets"].items()) {
        auto ports = ports_of(Ref(item));
        auto& mirror = out[json::serialize(ports)];
        mirror.ports = std::move(ports);
        for (const auto* list : {"addresses", "notReadyAddresses"})
            for (const auto& address : Ref(item)[list].items())
                if (mirror.endpoints.size() < addresses_max)
                    mirror.endpoints.push_back(endpoint_of(Ref(address), list));
    }
    return out;
}

json::object body_of(const Object& object, const Object* live) {
    auto body = live ? live->value()
                     : json::object{{"metadata",
                                     {{"generateName", std::string(object.name()) + "-"},
                                      {"namespace", object.ns()},
                                      {"ownerReferences", json::array{owner_reference(object, {"v1", "Endpoints"})}}}},
                                    {"addressType", "IPv4"}};
    auto& meta = object::child(body, "metadata");
    auto labels = object.meta()["labels"].members();
    labels[service_label] = object.name();
    labels[managed_by] = manager;
    meta["labels"] = std::move(labels);
    auto annotations = object.meta()["annotations"].members();
    annotations.erase(last_applied);
    annotations.erase(trigger_annotation);
    if (annotations.empty())
        meta.erase("annotations");
    else
        meta["annotations"] = std::move(annotations);
    return body;
}

Result<Plan> reconcile(const Pass& pass) {
    Plan plan;
    if (!pass.object) return plan;  // its slices go with it
    auto wanted = to_be_mirrored(pass) ? mirrors_of(*pass.object) : std::map<std::string, Mirror>{};
    for (const auto& live : pass.view.owned_by(slices(), pass.object->uid())) {
        const auto mirror = wanted.find(json::serialize(json::value((*live)["ports"].items())));
        if (mirror == wanted.end()) {
            plan.remove({.resource = slices(),
                         .ns = pass.key.ns,
                         .name = std::string(live->name()),
                         .options = {.precondition_uid = std::string(live->uid())}});
            continue;
        }
        auto body = body_of(*pass.object, live.get());
        body["endpoints"] = std::move(mirror->second.endpoints);
        wanted.erase(mirror);
        if (body != live->value()) plan.update(slices(), std::move(body));
    }
    for (auto& [key, mirror] : wanted) {
        auto body = body_of(*pass.object, nullptr);
        body["endpoints"] = std::move(mirror.endpoints);
        body["ports"] = std::move(mirror.ports);
        plan.create({.resource = slices(), .ns = pass.key.ns, .body = std::move(body)});
    }
    return plan;
}

/// A service may lose or get its selector, or come after its Endpoints.
void wake_by_service(const store::Event& event, const engine::View&, engine::Keys& keys) {
    keys.push_back({endpoints(), event.key.ns, event.key.name});
}

}  // namespace

engine::Controller endpoint_mirror_controller() {
    return {.name = "endpoint-mirror",
            .watches = {engine::watch(endpoints()),
                        {services(), wake_by_service},
                        engine::watch_owned(slices(), endpoints(), "Endpoints")},
            .reconcile = reconcile};
}

}  // namespace control
