// Validation of security contexts of pods and containers.
#include <algorithm>
#include <set>
#include <string>

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

static void check_profile_type(Checks& checks, const Path& at, Ref profile) {
    if (profile["type"].str().empty())
        checks.required(at / "type");
    else
        checks.one_of(at / "type", profile["type"], {"Localhost", "RuntimeDefault", "Unconfined"});
}

void check_seccomp(Checks& checks, const Path& at, Ref profile) {
    if (!profile) return;
    check_profile_type(checks, at, profile);
    const Ref local = profile["localhostProfile"];
    if (profile["type"].str() != "Localhost") {
        if (local) checks.invalid(at / "localhostProfile", shown(local), "can only be set when type is Localhost");
    } else if (!local) {
        checks.required(at / "localhostProfile", "must be set when type is Localhost");
    } else {
        check_descending_path(checks, at / "localhostProfile", local.str());
    }
}

/// A local profile is a name here, of no odd type is anything else asked.
void check_app_armor(Checks& checks, const Path& at, Ref profile) {
    if (!profile) return;
    const auto type = profile["type"].str();
    const Ref local = profile["localhostProfile"];
    const auto name = local.str();
    if (type == "Localhost") {
        constexpr std::string_view blanks = " \t\r\n";
        const bool padded = name.find_first_of(blanks) == 0 || (!name.empty() && blanks.contains(name.back()));
        if (padded)
            checks.invalid(at / "localhostProfile", shown(local), "must not be padded with whitespace");
        else if (name.empty())
            checks.required(at / "localhostProfile", "must be set when AppArmor type is Localhost");
    } else if (type == "RuntimeDefault" || type == "Unconfined") {
        if (local)
            checks.invalid(at / "localhostProfile", shown(local), "can only be set when AppArmor type is Localhost");
    } else {
        check_profile_type(checks, at, profile);
    }
}

void check_container_security(Checks& checks, const Path& at, Ref context, Ref spec) {
    if (!context) return;
    check_id(checks, at / "runAsUser", context["runAsUser"]);
    check_id(checks, at / "runAsGroup", context["runAsGroup"]);
    if (context["procMount"]) {
        checks.one_of(at / "procMount", context["procMount"], {"Default", "Unmasked"});
        if (context["procMount"].str() == "Unmasked" && spec["hostUsers"].flag(true))
            checks.invalid(at / "procMount", shown(context["procMount"]),
                           "`hostUsers` must be false to use `Unmasked`");
    }
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

/// Words of a-z, 0-9, '-' and '_' between dots or slashes, each beginning and ending with a letter or digit.
static bool is_sysctl(std::string_view name) {
    constexpr std::size_t length_max = 253;
    constexpr std::string_view ends = "abcdefghijklmnopqrstuvwxyz0123456789";
    if (name.size() > length_max) return false;
    for (std::size_t start = 0; start <= name.size();) {
        const auto stop = std::min(name.find_first_of("./", start), name.size());
        const auto word = name.substr(start, stop - start);
        if (word.empty() || !ends.contains(word.front()) || !ends.contains(word.back())) return false;
        if (word.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") != word.npos) return false;
        start = stop + 1;
    }
    return true;
}

/// Why a setting of a namespace that the pod shares with the host may not be changed; "" when it may.
static std::string_view sysctl_of_host(std::string_view name, Ref spec) {
    std::string dotted(name);
    std::ranges::replace(dotted, '/', '.');
    const std::string_view text(dotted);
    if (spec["hostNetwork"].flag() && text.starts_with("net."))
        return "may not be specified when 'hostNetwork' is true";
    const bool ipc = text == "kernel.sem" || text.starts_with("kernel.shm") || text.starts_with("kernel.msg") ||
                     text.starts_with("fs.mqueue.");
    return spec["hostIPC"].flag() && ipc ? "may not be specified when 'hostIPC' is true" : "";
}

static void check_sysctls(Checks& checks, const Path& at, Ref sysctls, Ref spec) {
    std::set<std::string_view> seen;
    const auto& items = sysctls.items();
    for (std::size_t i = 0; i < items.size(); ++i) {
        const auto name = Ref(items[i])["name"].str();
        if (name.empty())
            checks.required(at[i] / "name");
        else if (!is_sysctl(name))
            checks.invalid(at[i] / "name", shown(name),
                           "must have at most 253 characters of a-z, 0-9, '-', '_', '.', '/'");
        else if (seen.contains(name))
            checks.duplicate(at[i] / "name", shown(name));
        if (const auto why = sysctl_of_host(name, spec); !why.empty()) checks.invalid(at[i] / "name", shown(name), why);
        seen.insert(name);
    }
}

void check_pod_security(Checks& checks, const Path& at, Ref spec) {
    const Ref context = spec["securityContext"];
    if (!context) return;
    for (const auto* field : {"fsGroup", "runAsUser", "runAsGroup"}) check_id(checks, at / field, context[field]);
    const auto& groups = context["supplementalGroups"].items();
    for (std::size_t i = 0; i < groups.size(); ++i) check_id(checks, (at / "supplementalGroups")[i], groups[i]);
    if (spec["hostPID"].flag() && spec["shareProcessNamespace"].flag())
        checks.invalid(at / "shareProcessNamespace", "true",
                       "ShareProcessNamespace and HostPID cannot both be enabled");
    check_sysctls(checks, at / "sysctls", context["sysctls"], spec);
    if (context["fsGroupChangePolicy"])
        checks.one_of(at / "fsGroupChangePolicy", context["fsGroupChangePolicy"], {"OnRootMismatch", "Always"});
    check_seccomp(checks, at / "seccompProfile", context["seccompProfile"]);
    check_app_armor(checks, at / "appArmorProfile", context["appArmorProfile"]);
    if (context["supplementalGroupsPolicy"])
        checks.one_of(at / "supplementalGroupsPolicy", context["supplementalGroupsPolicy"], {"Merge", "Strict"});
    if (context["seLinuxChangePolicy"])
        checks.one_of(at / "seLinuxChangePolicy", context["seLinuxChangePolicy"], {"Recursive", "MountOption"});
}

}  // namespace kinds
