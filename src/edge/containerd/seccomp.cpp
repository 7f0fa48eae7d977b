// Profiles in the format of containers-common name rules by capability and architecture; the runtime wants a flat list.
#include <algorithm>
#include <boost/json.hpp>

#include "edge/containerd/container_spec.h"

namespace edge {
namespace {

namespace json = boost::json;

#if defined(__aarch64__)
constexpr std::string_view machine_arch = "arm64", machine_scmp = "SCMP_ARCH_AARCH64";
#else
constexpr std::string_view machine_arch = "amd64", machine_scmp = "SCMP_ARCH_X86_64";
#endif

bool names_one_of(const json::object& condition, std::string_view key, const std::vector<std::string>& have) {
    const auto* names = condition.if_contains(key);
    if (!names || !names->is_array()) return false;
    return std::ranges::any_of(names->get_array(), [&](const json::value& name) {
        return name.is_string() && std::ranges::find(have, std::string_view(name.get_string())) != have.end();
    });
}

bool states(const json::object& condition, std::string_view key) {
    const auto* names = condition.if_contains(key);
    return names && names->is_array() && !names->get_array().empty();
}

bool applies(const json::object& rule, const std::vector<std::string>& capabilities) {
    const std::vector<std::string> arches{std::string(machine_arch)};
    if (const auto* includes = rule.if_contains("includes"); includes && includes->is_object()) {
        const auto& wanted = includes->get_object();
        if (states(wanted, "caps") && !names_one_of(wanted, "caps", capabilities)) return false;
        if (states(wanted, "arches") && !names_one_of(wanted, "arches", arches)) return false;
    }
    if (const auto* excludes = rule.if_contains("excludes"); excludes && excludes->is_object()) {
        const auto& unwanted = excludes->get_object();
        if (names_one_of(unwanted, "caps", capabilities) || names_one_of(unwanted, "arches", arches)) return false;
    }
    return true;
}

json::object flat(const json::object& rule) {
    json::object out;
    for (const char* key : {"action", "errnoRet"}) {
        if (const auto* value = rule.if_contains(key); value && !value->is_null()) out[key] = *value;
    }
    if (const auto* names = rule.if_contains("names")) {
        out["names"] = *names;
    } else if (const auto* name = rule.if_contains("name")) {
        out["names"] = json::array{*name};
    }
    if (const auto* args = rule.if_contains("args"); args && args->is_array() && !args->get_array().empty())
        out["args"] = *args;
    return out;
}

}  // namespace

base::Result<json::value> seccomp_filter(const json::value& profile, const std::vector<std::string>& capabilities) {
    const auto* o = profile.if_object();
    const auto* action = o ? o->if_contains("defaultAction") : nullptr;
    if (!action) return base::fail(base::Code::invalid, "a seccomp profile has no defaultAction");
    json::object out{{"defaultAction", *action}};
    if (const auto* number = o->if_contains("defaultErrnoRet")) out["defaultErrnoRet"] = *number;
    json::array arches{machine_scmp};
    if (const auto* map = o->if_contains("archMap"); map && map->is_array()) {
        for (const auto& entry : map->get_array()) {
            const auto* arch = entry.is_object() ? entry.get_object().if_contains("architecture") : nullptr;
            const auto* sub = entry.is_object() ? entry.get_object().if_contains("subArchitectures") : nullptr;
            if (!arch || !arch->is_string() || arch->get_string() != machine_scmp || !sub || !sub->is_array()) continue;
            for (const auto& name : sub->get_array()) arches.push_back(name);
        }
    } else if (const auto* given = o->if_contains("architectures"); given && given->is_array()) {
        arches = given->get_array();
    }
    out["architectures"] = arches;
    json::array rules;
    if (const auto* list = o->if_contains("syscalls"); list && list->is_array()) {
        for (const auto& rule : list->get_array()) {
            if (rule.is_object() && applies(rule.get_object(), capabilities)) rules.push_back(flat(rule.get_object()));
        }
    }
    out["syscalls"] = rules;
    return out;
}

}  // namespace edge
