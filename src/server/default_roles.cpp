#include "server/default_roles.h"

#include <fmt/format.h>

#include <array>

#include "kinds/registry.h"

namespace server {

namespace json = object::json;
using base::Result;

namespace {

constexpr std::string_view api_version = "rbac.authorization.k8s.io/v1";
constexpr std::string_view aggregate = "rbac.authorization.k8s.io/aggregate-to-";

/// Rules as "groups; resources; verbs", each a list with commas; "core" is the group "".
struct Rule {
    std::string_view groups, resources, verbs;
};

constexpr std::string_view reading = "get,list,watch";
constexpr std::string_view changing = "create,delete,deletecollection,patch,update";

constexpr std::array view_rules{
    Rule{"core",
         "configmaps,endpoints,persistentvolumeclaims,persistentvolumeclaims/status,pods,replicationcontrollers,"
         "replicationcontrollers/scale,serviceaccounts,services,services/status",
         reading},
    Rule{"core",
         "bindings,events,limitranges,namespaces/status,pods/log,pods/status,replicationcontrollers/status,"
         "resourcequotas,resourcequotas/status",
         reading},
    Rule{"core", "namespaces", reading},
    Rule{"discovery.k8s.io", "endpointslices", reading},
    Rule{"apps",
         "controllerrevisions,daemonsets,daemonsets/status,deployments,deployments/scale,deployments/status,"
         "replicasets,replicasets/scale,replicasets/status,statefulsets,statefulsets/scale,statefulsets/status",
         reading},
    Rule{"autoscaling", "horizontalpodautoscalers,horizontalpodautoscalers/status", reading},
    Rule{"batch", "cronjobs,cronjobs/status,jobs,jobs/status", reading},
    Rule{"policy", "poddisruptionbudgets,poddisruptionbudgets/status", reading},
    Rule{"networking.k8s.io", "ingresses,ingresses/status,networkpolicies", reading},
    Rule{"events.k8s.io", "events", reading},
    Rule{"metrics.k8s.io", "pods,nodes", reading},
};
constexpr std::array edit_rules{
    Rule{"core", "pods/attach,pods/exec,pods/portforward,pods/proxy,secrets,services/proxy", reading},
    Rule{"core", "serviceaccounts", "impersonate"},
    Rule{"core", "pods,pods/attach,pods/exec,pods/portforward,pods/proxy", changing},
    Rule{"core", "pods/eviction", "create"},
    Rule{"core",
         "configmaps,events,persistentvolumeclaims,replicationcontrollers,replicationcontrollers/scale,secrets,"
         "serviceaccounts,services,services/proxy",
         changing},
    Rule{"core", "serviceaccounts/token", "create"},
    Rule{"apps",
         "daemonsets,deployments,deployments/rollback,deployments/scale,replicasets,replicasets/scale,statefulsets,"
         "statefulsets/scale",
         changing},
    Rule{"autoscaling", "horizontalpodautoscalers", changing},
    Rule{"batch", "cronjobs,jobs", changing},
    Rule{"policy", "poddisruptionbudgets", changing},
    Rule{"networking.k8s.io", "ingresses,networkpolicies", changing},
    Rule{"coordination.k8s.io", "leases", "create,delete,deletecollection,get,list,patch,update,watch"},
};
constexpr std::array admin_rules{
    Rule{"authorization.k8s.io", "localsubjectaccessreviews", "create"},
    Rule{"rbac.authorization.k8s.io", "rolebindings,roles",
         "create,delete,deletecollection,get,list,patch,update,watch"},
};

json::array words(std::string_view list) {
    json::array out;
    while (!list.empty()) {
        const auto end = std::min(list.find(','), list.size());
        const auto word = list.substr(0, end);
        out.emplace_back(word == "core" ? std::string_view{} : word);
        list.remove_prefix(std::min(end + 1, list.size()));
    }
    return out;
}

void add(json::array& rules, std::span<const Rule> more) {
    for (const auto& rule : more)
        rules.push_back(json::object{
            {"apiGroups", words(rule.groups)}, {"resources", words(rule.resources)}, {"verbs", words(rule.verbs)}});
}

json::object object(std::string_view kind, std::string_view name) {
    return {{"kind", kind},
            {"apiVersion", api_version},
            {"metadata",
             json::object{{"name", name},
                          {"labels", json::object{{"kubernetes.io/bootstrapping", "rbac-defaults"}}},
                          {"annotations", json::object{{"rbac.authorization.kubernetes.io/autoupdate", "true"}}}}}};
}

json::object role(std::string_view name, json::array rules) {
    auto out = object("ClusterRole", name);
    out["rules"] = std::move(rules);
    return out;
}

json::object role(std::string_view name, std::string_view rules) { return role(name, json::parse(rules).as_array()); }

void label(json::object& role, std::string_view aggregated_to) {
    object::child(object::child(role, "metadata"), "labels")[fmt::format("{}{}", aggregate, aggregated_to)] = "true";
}

/// A role that gathers the rules of all roles with its label.
void gather(json::object& role, std::string_view name) {
    const json::object labels{{fmt::format("{}{}", aggregate, name), "true"}};
    role["aggregationRule"] =
        json::object{{"clusterRoleSelectors", json::array{json::object{{"matchLabels", labels}}}}};
}

json::object binding(std::string_view name, std::initializer_list<std::string_view> groups) {
    auto out = object("ClusterRoleBinding", name);
    json::array subjects;
    for (const auto group : groups)
        subjects.push_back(json::object{{"kind", "Group"}, {"apiGroup", "rbac.authorization.k8s.io"}, {"name", group}});
    out["subjects"] = std::move(subjects);
    out["roleRef"] = json::object{{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "ClusterRole"}, {"name", name}};
    return out;
}

/// view within edit within admin, each with the part that it adds as a role of its own.
std::vector<json::object> user_roles() {
    std::vector<json::object> out;
    json::array gathered;
    const auto step = [&](std::string_view name, std::string_view next, std::span<const Rule> rules) {
        json::array own;
        add(own, rules);
        add(gathered, rules);
        auto part = role(fmt::format("system:aggregate-to-{}", name), std::move(own));
        label(part, name);
        out.push_back(std::move(part));
        auto whole = role(name, gathered);
        gather(whole, name);
        if (!next.empty()) label(whole, next);
        out.push_back(std::move(whole));
    };
    step("view", "edit", view_rules);
    step("edit", "admin", edit_rules);
    step("admin", "", admin_rules);
    return out;
}

std::vector<json::object> all() {
    auto out = user_roles();
    out.push_back(role("cluster-admin", R"([{"verbs":["*"],"apiGroups":["*"],"resources":["*"]},
                                            {"verbs":["*"],"nonResourceURLs":["*"]}])"));
    out.push_back(role("system:basic-user", R"([
        {"verbs":["create"],"apiGroups":["authorization.k8s.io"],
         "resources":["selfsubjectaccessreviews","selfsubjectrulesreviews"]},
        {"verbs":["create"],"apiGroups":["authentication.k8s.io"],"resources":["selfsubjectreviews"]}])"));
    out.push_back(role("system:discovery", R"([{"verbs":["get"],"nonResourceURLs":["/api","/api/*","/apis","/apis/*",
        "/healthz","/livez","/openapi","/openapi/*","/readyz","/version","/version/"]}])"));
    out.push_back(role("system:public-info-viewer", R"([{"verbs":["get"],"nonResourceURLs":["/healthz","/livez",
        "/readyz","/version","/version/"]}])"));
    out.push_back(binding("cluster-admin", {"system:masters"}));
    out.push_back(binding("system:basic-user", {"system:authenticated"}));
    out.push_back(binding("system:discovery", {"system:authenticated"}));
    out.push_back(binding("system:public-info-viewer", {"system:authenticated", "system:unauthenticated"}));
    return out;
}

}  // namespace

Result<void> ensure_default_roles(verbs::Api& api) {
    for (auto& wanted : all()) {
        const auto kind = std::string(object::Ref(wanted)["kind"].str());
        const auto name = std::string(object::Ref(wanted)["metadata"]["name"].str());
        const verbs::Target target{kinds::by_kind(api_version, kind), "", name};
        if (api.get(target)) continue;
        TRY(api.create(target, std::move(wanted), {.field_manager = "slipway"}));
    }
    return {};
}

}  // namespace server
