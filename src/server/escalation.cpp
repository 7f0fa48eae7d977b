#include "server/escalation.h"

#include <fmt/format.h>

#include "server/core.h"

namespace server {

using base::Code;
using base::Result;
using object::Ref;

namespace {

constexpr std::string_view rbac_group = "rbac.authorization.k8s.io";

std::vector<std::string> words(Ref list) {
    std::vector<std::string> out;
    for (const auto& value : list.items()) out.emplace_back(Ref(value).str());
    return out;
}

/// Every single right of a rule, handed to `seen` until that says no.
template <class Seen>
bool every_right(Ref rule, std::string_view ns, Seen seen) {
    for (const auto& verb : words(rule["verbs"])) {
        for (const auto& path : words(rule["nonResourceURLs"]))
            if (!seen(Deed{.verb = verb, .path = path})) return false;
        for (const auto& group : words(rule["apiGroups"]))
            for (const auto& resource : words(rule["resources"])) {
                const auto slash = resource.find('/');
                Deed deed{.verb = verb, .group = group, .resource = resource.substr(0, slash), .ns = std::string(ns)};
                if (slash != resource.npos) deed.subresource = resource.substr(slash + 1);
                auto names = words(rule["resourceNames"]);
                if (names.empty()) names.emplace_back();
                for (const auto& name : names) {
                    deed.name = name;
                    if (!seen(deed)) return false;
                }
            }
    }
    return true;
}

bool holds(Core& core, const User& user, std::string_view ns, Ref rules) {
    for (const auto& rule : rules.items())
        if (!every_right(rule, ns, [&](const Deed& deed) { return core.rbac.allows(user, deed); })) return false;
    return true;
}

bool may(Core& core, const Call& call, std::string_view verb, std::string_view resource, std::string_view name) {
    return core.rbac.allows(call.user, {.verb = std::string(verb),
                                        .group = std::string(rbac_group),
                                        .resource = std::string(resource),
                                        .ns = call.place.ns,
                                        .name = std::string(name)});
}

base::Error refused(const Call& call, std::string_view name) {
    return {
        Code::forbidden,
        fmt::format("{}.{} \"{}\" is forbidden: user \"{}\" is attempting to grant RBAC permissions not currently held",
                    call.place.plural, rbac_group, name, call.user.name),
        base::Details{.name = std::string(name), .group = std::string(rbac_group), .kind = call.place.plural}};
}

Result<void> may_bind(Core& core, const Call& call, std::string_view name, Ref ref) {
    const bool cluster = ref["kind"].str() == "ClusterRole";
    const std::string plural = cluster ? "clusterroles" : "roles";
    const auto named = ref["name"].str();
    if (may(core, call, "bind", plural, named)) return {};
    const auto role =
        core.store().get({{std::string(rbac_group), plural}, cluster ? "" : call.place.ns, std::string(named)});
    if (!role)
        return base::fail(
            Code::not_found, fmt::format("{}.{} \"{}\" not found", plural, rbac_group, named),
            base::Details{.name = std::string(named), .group = std::string(rbac_group), .kind = call.place.plural});
    if (!holds(core, call.user, call.place.ns, (*role)["rules"])) return std::unexpected(refused(call, name));
    return {};
}

}  // namespace

Result<void> may_grant(Core& core, const Call& call, const json::object& wanted) {
    if (call.place.group != rbac_group || call.user.in("system:masters")) return {};
    const Ref object(wanted);
    const auto name = object["metadata"]["name"].str(call.place.name);
    if (call.place.plural.ends_with("bindings")) return may_bind(core, call, name, object["roleRef"]);
    if (may(core, call, "escalate", call.place.plural, name)) return {};
    if (!holds(core, call.user, call.place.ns, object["rules"])) return std::unexpected(refused(call, name));
    if (object["aggregationRule"] && !core.rbac.allows(call.user, {.verb = "*", .group = "*", .resource = "*"}))
        return std::unexpected(refused(call, name));
    return {};
}

}  // namespace server
