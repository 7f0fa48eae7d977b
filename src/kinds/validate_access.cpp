// Validation of roles and their bindings.
#include "kinds/validate.h"

namespace kinds {

static constexpr std::string_view rbac_group = "rbac.authorization.k8s.io";

static void check_rule(Checks& checks, const Path& at, Ref rule, std::string_view ns) {
    if (rule["verbs"].size() == 0) checks.required(at / "verbs", "verbs must contain at least one value");
    if (rule["nonResourceURLs"].size() > 0) {
        if (!ns.empty())
            checks.invalid(at / "nonResourceURLs", shown(rule["nonResourceURLs"]),
                           "namespaced rules cannot apply to non-resource URLs");
        if (rule["apiGroups"].size() + rule["resources"].size() + rule["resourceNames"].size() > 0)
            checks.invalid(at / "nonResourceURLs", shown(rule["nonResourceURLs"]),
                           "rules cannot apply to both regular resources and non-resource URLs");
        return;
    }
    if (rule["apiGroups"].size() == 0)
        checks.required(at / "apiGroups", "resource rules must supply at least one api group");
    if (rule["resources"].size() == 0)
        checks.required(at / "resources", "resource rules must supply at least one resource");
}

void validate_role(Checks& checks, Ref object) {
    const auto& selectors = object["aggregationRule"]["clusterRoleSelectors"].items();
    if (object["aggregationRule"] && selectors.empty())
        checks.required("aggregationRule.clusterRoleSelectors",
                        "at least one clusterRoleSelector required if aggregationRule is non-nil");
    for (std::size_t i = 0; i < selectors.size(); ++i)
        check_label_selector(checks, Path("aggregationRule.clusterRoleSelectors")[i], selectors[i]);
    const auto& rules = object["rules"].items();
    for (std::size_t i = 0; i < rules.size(); ++i)
        check_rule(checks, Path("rules")[i], rules[i], object["metadata"]["namespace"].str());
}

static void check_subject(Checks& checks, const Path& at, Ref subject, std::string_view ns) {
    const auto kind = subject["kind"].str();
    const auto name = subject["name"].str();
    const auto group = subject["apiGroup"].str();
    if (name.empty()) checks.required(at / "name");
    if (kind == "ServiceAccount") {
        if (!name.empty()) complain(checks, at / "name", name, dns_subdomain(name));
        if (!group.empty()) checks.unsupported(at / "apiGroup", shown(group), {""});
        // A namespaced binding means its own namespace.
        if (ns.empty() && subject["namespace"].str().empty()) checks.required(at / "namespace");
    } else if (kind == "User" || kind == "Group") {
        if (group != rbac_group) checks.unsupported(at / "apiGroup", shown(group), {rbac_group});
    } else {
        checks.unsupported(at / "kind", shown(kind), {"ServiceAccount", "User", "Group"});
    }
}

void validate_role_binding(Checks& checks, Ref object) {
    const Ref role = object["roleRef"];
    const auto ns = object["metadata"]["namespace"].str();
    if (const auto group = role["apiGroup"].str(); group != rbac_group)
        checks.unsupported("roleRef.apiGroup", shown(group), {rbac_group});
    if (ns.empty())
        checks.one_of("roleRef.kind", role["kind"], {"ClusterRole"});
    else
        checks.one_of("roleRef.kind", role["kind"], {"Role", "ClusterRole"});
    if (const auto name = role["name"].str(); name.empty())
        checks.required("roleRef.name");
    else
        complain(checks, "roleRef.name", name, path_segment(name));
    const auto& subjects = object["subjects"].items();
    for (std::size_t i = 0; i < subjects.size(); ++i) check_subject(checks, Path("subjects")[i], subjects[i], ns);
}

void validate_role_binding_update(Checks& checks, const UpdateCheck& update) {
    if (!equal(update.updated["roleRef"], update.live["roleRef"]))
        checks.invalid("roleRef", shown(update.updated["roleRef"]), "cannot change roleRef");
}

}  // namespace kinds
