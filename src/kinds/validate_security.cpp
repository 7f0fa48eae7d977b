// Validation of security contexts of pods and containers.
#include "kinds/validate_pod.h"

namespace kinds {

static constexpr std::int64_t id_max = 2147483647;

static void check_id(Checks& checks, const Path& at, Ref id) {
    if (id && (id.num() < 0 || id.num() > id_max))
        checks.invalid(at, shown(id), "must be between 0 and 2147483647, inclusive");
}

bool steps_back(std::string_view path) {
    for (std::size_t start = 0; start <= path.size();) {
        const auto slash = std::min(path.find('/', start), path.size());
        if (path.substr(start, slash - start) == "..") return true;
        start = slash + 1;
    }
    return false;
}

void check_descending_path(Checks& checks, const Path& at, std::string_view path) {
    if (path.starts_with('/')) checks.invalid(at, shown(path), "must be a relative path");
    if (steps_back(path)) checks.invalid(at, shown(path), "must not contain '..'");
}

/// A profile of that type, and the name of a local one where it is one.
static void check_profile(Checks& checks, const Path& at, Ref profile) {
    if (!profile) return;
    const auto type = profile["type"].str();
    const Ref local = profile["localhostProfile"];
    if (type == "Localhost") {
        if (!local)
            checks.required(at / "localhostProfile", "must be set when type is Localhost");
        else
            check_descending_path(checks, at / "localhostProfile", local.str());
    } else if (local) {
        checks.invalid(at / "localhostProfile", shown(local), "can only be set when type is Localhost");
    }
    if (type.empty())
        checks.required(at / "type");
    else
        checks.one_of(at / "type", profile["type"], {"Localhost", "RuntimeDefault", "Unconfined"});
}

void check_seccomp(Checks& checks, const Path& at, Ref profile) { check_profile(checks, at, profile); }
void check_app_armor(Checks& checks, const Path& at, Ref profile) { check_profile(checks, at, profile); }

void check_container_security(Checks& checks, const Path& at, Ref context) {
    if (!context) return;
    check_id(checks, at / "runAsUser", context["runAsUser"]);
    check_id(checks, at / "runAsGroup", context["runAsGroup"]);
    if (context["procMount"]) checks.one_of(at / "procMount", context["procMount"], {"Default", "Unmasked"});
    check_seccomp(checks, at / "seccompProfile", context["seccompProfile"]);
    if (const Ref escalation = context["allowPrivilegeEscalation"]; escalation && !escalation.flag()) {
        if (context["privileged"].flag())
            checks.invalid(at, shown(context),
                           "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
        for (const auto& added : context["capabilities"]["add"].items())
            if (Ref(added).str() == "CAP_SYS_ADMIN")
                checks.invalid(at, shown(context),
                               "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN");
    }
    check_app_armor(checks, at / "appArmorProfile", context["appArmorProfile"]);
}

static void check_sysctls(Checks& checks, const Path& at, Ref sysctls) {
    const auto& items = sysctls.items();
    for (std::size_t i = 0; i < items.size(); ++i) {
        const auto name = Ref(items[i])["name"].str();
        if (name.empty()) {
            checks.required(at[i] / "name");
        } else if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_./") != std::string_view::npos) {
            checks.invalid(at[i] / "name", shown(name),
                           "must have at most 253 characters of a-z, 0-9, '-', '_', '.', '/'");
        }
        for (std::size_t k = 0; k < i; ++k)
            if (Ref(items[k])["name"].str() == name) checks.duplicate(at[i] / "name", shown(name));
    }
}

void check_pod_security(Checks& checks, const Path& at, Ref spec) {
    const Ref context = spec["securityContext"];
    if (!context) return;
    for (const auto* field : {"fsGroup", "runAsUser", "runAsGroup"}) check_id(checks, at / field, context[field]);
    const auto& groups = context["supplementalGroups"].items();
    for (std::size_t i = 0; i < groups.size(); ++i) check_id(checks, (at / "supplementalGroups")[i], groups[i]);
    if (context["supplementalGroupsPolicy"])
        checks.one_of(at / "supplementalGroupsPolicy", context["supplementalGroupsPolicy"], {"Merge", "Strict"});
    if (spec["hostPID"].flag() && spec["shareProcessNamespace"].flag())
        checks.invalid(at / "shareProcessNamespace", "true",
                       "ShareProcessNamespace and HostPID cannot both be enabled");
    check_sysctls(checks, at / "sysctls", context["sysctls"]);
    if (context["fsGroupChangePolicy"])
        checks.one_of(at / "fsGroupChangePolicy", context["fsGroupChangePolicy"], {"OnRootMismatch", "Always"});
    check_seccomp(checks, at / "seccompProfile", context["seccompProfile"]);
    check_app_armor(checks, at / "appArmorProfile", context["appArmorProfile"]);
    if (context["seLinuxChangePolicy"])
        checks.one_of(at / "seLinuxChangePolicy", context["seLinuxChangePolicy"], {"Recursive", "MountOption"});
}

}  // namespace kinds
