// What every namespace has: the service account `default`, and the cluster's certificate authority as a ConfigMap.
// Rule: both come back when they are taken away or changed.
#include "control/controllers.h"
#include "control/workload.h"

namespace control {

namespace {

const Resource& namespaces() {
    static const Resource resource{"", "namespaces"};
    return resource;
}

constexpr std::string_view ca_name = "kube-root-ca.crt";
constexpr std::string_view ca_description =
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the "
    "internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes "
    "clusters.";

bool lives(const Pass& pass) { return pass.object && !pass.object->deleting(); }

/// Wakes the namespace when the object of that name in it changes.
engine::Watch watch_named(Resource resource, std::string_view name) {
    return {std::move(resource), [name](const store::Event& event, const engine::View&, engine::Keys& keys) {
                if (event.key.name == name) keys.push_back({namespaces(), "", event.key.ns});
            }};
}

}  // namespace

engine::Controller service_account_controller() {
    const Resource accounts{"", "serviceaccounts"};
    auto reconcile = [accounts](const Pass& pass) -> Result<Plan> {
        Plan plan;
        if (!lives(pass) || pass.view.get({accounts, pass.key.name, "default"})) return plan;
        plan.create({.resource = accounts,
                     .ns = pass.key.name,
                     .body = {{"metadata", {{"name", "default"}, {"namespace", pass.key.name}}}}});
        return plan;
    };
    return {.name = "service-account",
            .watches = {engine::watch(namespaces()), watch_named(accounts, "default")},
            .reconcile = std::move(reconcile)};
}

engine::Controller root_ca_controller(std::string pem) {
    const Resource maps{"", "configmaps"};
    auto reconcile = [maps, pem = std::move(pem)](const Pass& pass) -> Result<Plan> {
        Plan plan;
        if (!lives(pass)) return plan;
        const json::object data{{"ca.crt", pem}};
        const auto live = pass.view.get({maps, pass.key.name, std::string(ca_name)});
        if (live && (*live)["data"].members() == data) return plan;
        auto body = live ? live->value() : json::object{};
        auto& meta = object::child(body, "metadata");
        meta["name"] = ca_name;
        meta["namespace"] = pass.key.name;
        object::child(meta, "annotations")["kubernetes.io/description"] = ca_description;
        body["data"] = data;
        if (live)
            plan.update(maps, std::move(body));
        else
            plan.create({.resource = maps, .ns = pass.key.name, .body = std::move(body)});
        return plan;
    };
    return {.name = "root-ca",
            .watches = {engine::watch(namespaces()), watch_named(maps, ca_name)},
            .reconcile = std::move(reconcile)};
}

}  // namespace control
