#include "verbs/admission.h"

#include <fmt/format.h>

#include <algorithm>

#include "kinds/admission.h"
#include "verbs/errors.h"
#include "verbs/pod_admission.h"
#include "verbs/stored_api.h"

namespace verbs {

using base::Result;
using object::Ref;

namespace {

/// Namespaces upstream makes on demand when something is created in them; ours exist from the start.
Result<void> admit_namespace(const store::Store& store, const Target& target, const json::object& object) {
    if (!target.kind->namespaced()) return {};
    const auto space = store.get({{"", "namespaces"}, "", target.ns});
    if (!space)
        return std::unexpected(base::Error(base::Code::not_found, fmt::format("namespaces \"{}\" not found", target.ns),
                                           {.name = target.ns, .kind = "namespaces"}));
    if (!space->deleting()) return {};
    const auto why =
        fmt::format("unable to create new content in namespace {} because it is being terminated", target.ns);
    return std::unexpected(forbidden(
        *target.kind, Ref(object)["metadata"]["name"].str(), why,
        {{"NamespaceTerminating", fmt::format("namespace {} is being terminated", target.ns), "metadata.namespace"}}));
}

Result<void> admit_account(const store::Store& store, const Target& target, json::object& pod, base::Rng& rng) {
    const Ref spec = Ref(pod)["spec"];
    auto name = std::string(spec["serviceAccountName"].str(spec["serviceAccount"].str()));
    if (name.empty()) name = "default";
    const auto account = store.get({{"", "serviceaccounts"}, target.ns, name});
    if (!account)
        return std::unexpected(
            forbidden(*target.kind, Ref(pod)["metadata"]["name"].str(),
                      fmt::format("error looking up service account {}/{}: serviceaccount \"{}\" not found", target.ns,
                                  name, name)));
    kinds::add_service_account(pod, name, account->value(), base::name_suffix(rng));
    return {};
}

/// A new node takes no pods until its conditions are known; the node life cycle takes the taint away.
void admit_node(json::object& node) {
    const json::object fresh{{"key", "node.kubernetes.io/not-ready"}, {"effect", "NoSchedule"}};
    auto& taints = object::list(object::child(node, "spec"), "taints");
    const auto same = [&](const json::value& one) {
        return Ref(one)["key"].str() == Ref(fresh)["key"].str() && Ref(one)["effect"].str() == "NoSchedule";
    };
    if (std::ranges::none_of(taints, same)) taints.push_back(fresh);
}

}  // namespace

Result<void> admit_create(const store::Store& store, const Target& target, json::object& object, base::Rng& rng) {
    TRY(admit_namespace(store, target, object));
    if (is_core(*target.kind, "Node")) admit_node(object);
    if (!is_core(*target.kind, "Pod")) return {};
    const bool mirrored = !Ref(object)["metadata"]["annotations"]["kubernetes.io/config.mirror"].missing();
    if (!mirrored) TRY(admit_account(store, target, object, rng));
    TRY(admit_priority(store, target, object));
    kinds::admit_pod(object);
    return admit_runtime_class(store, target, object);
}

}  // namespace verbs
