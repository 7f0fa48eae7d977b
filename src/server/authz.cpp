#include "server/authz.h"

#include <fmt/format.h>

#include <algorithm>

#include "object/selector.h"

namespace server {

using object::Ref;

namespace {

constexpr std::string_view rbac_group = "rbac.authorization.k8s.io";

bool has(Ref list, std::string_view wanted) {
    return std::ranges::any_of(list.items(), [&](const json::value& value) {
        const auto text = Ref(value).str();
        return text == "*" || text == wanted;
    });
}

bool has_resource(Ref list, const Deed& deed) {
    const auto full = deed.subresource.empty() ? deed.resource : deed.resource + "/" + deed.subresource;
    const auto any = "*/" + deed.subresource;
    return std::ranges::any_of(list.items(), [&](const json::value& value) {
        const auto text = Ref(value).str();
        return text == "*" || text == full || (!deed.subresource.empty() && text == any);
    });
}

bool has_path(Ref list, std::string_view path) {
    return std::ranges::any_of(list.items(), [&](const json::value& value) {
        auto text = Ref(value).str();
        if (text == path) return true;
        if (!text.ends_with('*')) return false;
        text.remove_suffix(1);
        return path.starts_with(text);
    });
}

bool has_name(Ref names, std::string_view name) {
    return names.size() == 0 || std::ranges::any_of(names.items(), [&](const json::value& value) {
               return !name.empty() && Ref(value).str() == name;
           });
}

bool covers(Ref rule, const Deed& deed) {
    if (!has(rule["verbs"], deed.verb)) return false;
    if (deed.resource.empty()) return has_path(rule["nonResourceURLs"], deed.path);
    return has(rule["apiGroups"], deed.group) && has_resource(rule["resources"], deed) &&
           has_name(rule["resourceNames"], deed.name);
}

json::array rules_from(std::string_view text) { return json::parse(text).get_array(); }

/// What upstream's system:public-info-viewer gives to everybody.
const json::array& rules_of_everybody() {
    static const auto rules =
        rules_from(R"([{"nonResourceURLs":["/healthz","/livez","/readyz","/version","/version/"],"verbs":["get"]}])");
    return rules;
}

/// What system:discovery and system:basic-user give to everybody who is known.
const json::array& rules_of_the_known() {
    static const auto rules = rules_from(R"([
        {"nonResourceURLs":["/api","/api/*","/apis","/apis/*","/healthz","/livez","/openapi","/openapi/*","/readyz",
                            "/version","/version/"],"verbs":["get"]},
        {"apiGroups":["authorization.k8s.io"],"resources":["selfsubjectaccessreviews","selfsubjectrulesreviews"],
         "verbs":["create"]},
        {"apiGroups":["authentication.k8s.io"],"resources":["selfsubjectreviews"],"verbs":["create"]}])");
    return rules;
}

/// A list or watch of one name is allowed by rules for that name.
std::string selected_name(const Call& call) {
    const auto fields = object::parse_field_selector(call.query.get("fieldSelector"));
    if (!fields) return "";
    for (const auto& field : *fields)
        if (field.path == "metadata.name" && field.equal) return field.value;
    return "";
}

std::string verb_of(const Call& call) {
    const auto& method = call.request.method;
    const bool collection = call.place.collection();
    if (method == "POST") return "create";
    if (method == "PUT") return "update";
    if (method == "PATCH") return "patch";
    if (method == "DELETE") return collection ? "deletecollection" : "delete";
    if (call.place.watch || (collection && call.query.flag("watch"))) return "watch";
    return collection ? "list" : "get";
}

}  // namespace

bool Rbac::bound(Ref binding, std::string_view ns, const User& user) const {
    return std::ranges::any_of(binding["subjects"].items(), [&](const json::value& value) {
        const Ref subject(value);
        const auto kind = subject["kind"].str();
        const auto name = subject["name"].str();
        if (kind == "User") return name == user.name;
        if (kind == "Group") return user.in(name);
        if (kind != "ServiceAccount") return false;
        return user.name == fmt::format("system:serviceaccount:{}:{}", subject["namespace"].str(ns), name);
    });
}

object::ObjectPtr Rbac::role(Ref binding, std::string_view ns) const {
    const auto ref = binding["roleRef"];
    const std::string name(ref["name"].str());
    if (ref["kind"].str() == "ClusterRole") return store_.get({{std::string(rbac_group), "clusterroles"}, "", name});
    return store_.get({{std::string(rbac_group), "roles"}, std::string(ns), name});
}

void Rbac::each_rule(const User& user, std::string_view ns, const std::function<void(Ref)>& seen) const {
    for (const auto& rule : rules_of_everybody()) seen(rule);
    if (user.in("system:authenticated"))
        for (const auto& rule : rules_of_the_known()) seen(rule);
    const auto walk = [&](std::string_view plural, std::string_view where) {
        for (const auto& binding : store_.list({std::string(rbac_group), std::string(plural)}, where)) {
            const Ref ref(binding->value());
            if (!bound(ref, where, user)) continue;
            if (const auto found = role(ref, where))
                for (const auto& rule : (*found)["rules"].items()) seen(rule);
        }
    };
    walk("clusterrolebindings", "");
    if (!ns.empty()) walk("rolebindings", ns);
}

bool Rbac::allows(const User& user, const Deed& deed) const {
    if (user.in("system:masters")) return true;
    bool allowed = false;
    each_rule(user, deed.ns, [&](Ref rule) { allowed = allowed || covers(rule, deed); });
    return allowed;
}

Deed deed_of(const Call& call) {
    const auto& place = call.place;
    if (place.plural.empty()) {
        auto verb = call.request.method;
        std::ranges::transform(verb, verb.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        return {.verb = verb, .path = call.request.path};
    }
    Deed deed{.verb = verb_of(call),
              .group = place.group,
              .resource = place.plural,
              .subresource = place.subresource,
              .ns = place.ns,
              .name = place.name,
              .path = ""};
    if (place.plural == "namespaces" && place.group.empty() && place.ns.empty()) deed.ns = place.name;
    if (deed.verb == "list" || deed.verb == "watch") deed.name = selected_name(call);
    return deed;
}

base::Error forbidden(const User& user, const Deed& deed) {
    if (deed.resource.empty())
        return {base::Code::forbidden,
                fmt::format("forbidden: User \"{}\" cannot {} path \"{}\"", user.name, deed.verb, deed.path),
                base::Details{}};
    const auto resource = deed.subresource.empty() ? deed.resource : deed.resource + "/" + deed.subresource;
    const auto qualified = deed.group.empty() ? deed.resource : deed.resource + "." + deed.group;
    const auto named = deed.name.empty() ? qualified : fmt::format("{} \"{}\"", qualified, deed.name);
    const auto scope = deed.ns.empty() ? "at the cluster scope" : fmt::format("in the namespace \"{}\"", deed.ns);
    return {base::Code::forbidden,
            fmt::format("{} is forbidden: User \"{}\" cannot {} resource \"{}\" in API group \"{}\" {}", named,
                        user.name, deed.verb, resource, deed.group, scope),
            base::Details{.name = deed.name, .group = deed.group, .kind = deed.resource}};
}

}  // namespace server
