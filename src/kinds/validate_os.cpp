// Validation of what depends on the operating system of a pod, and of users that are the pod's own.
#include <array>

#include "kinds/validate_pod.h"

namespace kinds {

void check_host_users(Checks& checks, const Path& at, Ref spec) {
    if (spec["hostUsers"].flag(true)) return;
    constexpr auto why = "when `pod.Spec.HostUsers` is false";
    if (spec["hostNetwork"].flag()) checks.forbidden(at / "hostNetwork", why);
    if (spec["hostPID"].flag()) checks.forbidden(at / "HostPID", why);
    if (spec["hostIPC"].flag()) checks.forbidden(at / "HostIPC", why);
}

/// Calls `seen(context, place)` for the security context of every container that has one.
template <class Seen>
static void each_context(const Path& at, Ref spec, const Seen& seen) {
    for (const auto* list : {"initContainers", "containers", "ephemeralContainers"}) {
        const auto& items = spec[list].items();
        for (std::size_t i = 0; i < items.size(); ++i)
            if (const Ref context = Ref(items[i])["securityContext"]) seen(context, (at / list)[i] / "securityContext");
    }
}

static void check_linux(Checks& checks, const Path& at, Ref spec) {
    constexpr auto why = "windows options cannot be set for a linux pod";
    if (spec["securityContext"]["windowsOptions"]) checks.forbidden(at / "securityContext" / "windowsOptions", why);
    each_context(at, spec, [&](Ref context, const Path& place) {
        if (context["windowsOptions"]) checks.forbidden(place / "windowsOptions", why);
    });
}

struct PodField {
    std::string_view name;
    bool in_context = true;  ///< else of the spec itself
};

static void check_windows(Checks& checks, const Path& at, Ref spec) {
    static constexpr std::array of_pod{PodField{"appArmorProfile"},
                                       PodField{"seLinuxOptions"},
                                       PodField{"hostUsers", false},
                                       PodField{"hostPID", false},
                                       PodField{"hostIPC", false},
                                       PodField{"seccompProfile"},
                                       PodField{"fsGroup"},
                                       PodField{"fsGroupChangePolicy"},
                                       PodField{"sysctls"},
                                       PodField{"shareProcessNamespace", false},
                                       PodField{"runAsUser"},
                                       PodField{"runAsGroup"},
                                       PodField{"supplementalGroups"},
                                       PodField{"supplementalGroupsPolicy"},
                                       PodField{"seLinuxChangePolicy"}};
    static constexpr std::array of_container{
        "appArmorProfile", "seLinuxOptions",           "seccompProfile", "capabilities", "readOnlyRootFilesystem",
        "privileged",      "allowPrivilegeEscalation", "procMount",      "runAsUser",    "runAsGroup"};
    constexpr auto why = "cannot be set for a windows pod";
    for (const auto& field : of_pod) {
        const auto place = field.in_context ? at / "securityContext" : at;
        if (field.in_context ? spec["securityContext"][field.name] : spec[field.name])
            checks.forbidden(place / field.name, why);
    }
    each_context(at, spec, [&](Ref context, const Path& place) {
        for (const auto* field : of_container)
            if (context[field]) checks.forbidden(place / field, why);
    });
}

void check_os(Checks& checks, const Path& at, Ref spec) {
    const Ref os = spec["os"];
    if (!os) return;
    const auto name = os["name"].str();
    if (name.empty()) return checks.required(at / "os" / "name");
    if (name == "linux") return check_linux(checks, at, spec);
    if (name == "windows") return check_windows(checks, at, spec);
    checks.unsupported(at / "os" / "name", shown(name), {"linux", "windows"});
}

}  // namespace kinds
