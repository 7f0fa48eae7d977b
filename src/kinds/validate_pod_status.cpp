// What a write of a Pod's status may not say: another quality of service, an ended container that runs again, addresses
// that are none.
#include <algorithm>
#include <set>
#include <string>

#include "kinds/validate.h"

namespace kinds {

static bool is_sidecar(Ref spec, std::string_view name) {
    return std::ranges::any_of(spec["initContainers"].items(), [&](const json::value& one) {
        return Ref(one)["name"].str() == name && Ref(one)["restartPolicy"].str() == "Always";
    });
}

/// A container that ended for good stays ended.
static void check_ends(Checks& checks, const UpdateCheck& update, std::string_view list, std::string_view policy) {
    if (policy == "Always") return;
    const auto& before = update.live["status"][list].items();
    for (std::size_t i = 0; i < before.size(); ++i) {
        const Ref old(before[i]);
        const Ref ended = old["state"]["terminated"];
        if (!ended || (ended["exitCode"].num() != 0 && policy == "OnFailure")) continue;
        if (list == "initContainerStatuses" && is_sidecar(update.live["spec"], old["name"].str())) continue;
        for (const auto& now : update.updated["status"][list].items())
            if (Ref(now)["name"].str() == old["name"].str() && !Ref(now)["state"]["terminated"])
                checks.forbidden((Path("status") / list)[i] / "state",
                                 "may not be transitioned to non-terminated state");
    }
}

/// At most one address of each family, none twice.
static void check_ips(Checks& checks, const Path& at, Ref ips) {
    std::set<std::string_view> seen;
    std::size_t of_six = 0;
    const auto& items = ips.items();
    for (std::size_t i = 0; i < items.size(); ++i)
        complain(checks, at[i], Ref(items[i])["ip"].str(), ip_address(Ref(items[i])["ip"].str()));
    if (items.size() < 2) return;
    for (const auto& item : items) of_six += Ref(item)["ip"].str().contains(':');
    if (items.size() > 2 || of_six != 1)
        checks.invalid(at, shown(ips), "may specify no more than one IP for each IP family");
    for (std::size_t i = 0; i < items.size(); ++i)
        if (!seen.insert(Ref(items[i])["ip"].str()).second) checks.duplicate(at[i], shown(items[i]));
}

static void check_conditions(Checks& checks, Ref conditions) {
    const auto& items = conditions.items();
    for (std::size_t i = 0; i < items.size(); ++i) {
        const auto type = Ref(items[i])["type"].str();
        complain(checks, Path("metadata.conditions")[i] / "Type", type, qualified_name(type));
    }
}

void validate_pod_status(Checks& checks, const UpdateCheck& update) {
    const Ref now = update.updated["status"];
    check_conditions(checks, now["conditions"]);
    const auto nominated = now["nominatedNodeName"].str();
    if (!nominated.empty() && nominated != update.live["status"]["nominatedNodeName"].str())
        complain(checks, "status.nominatedNodeName", nominated, dns_subdomain(nominated));
    check_immutable(checks, "status.qosClass", now["qosClass"], update.live["status"]["qosClass"]);
    const auto policy = update.live["spec"]["restartPolicy"].str();
    check_ends(checks, update, "containerStatuses", policy);
    check_ends(checks, update, "initContainerStatuses", policy);
    check_ends(checks, update, "ephemeralContainerStatuses", "Never");
    check_ips(checks, "status.podIPs", now["podIPs"]);
    if (const Ref first = now["hostIPs"][0UL]; first && first["ip"].str() != now["hostIP"].str())
        checks.invalid(Path("status.hostIPs")[0] / "ip", shown(first["ip"]), "must be equal to `hostIP`");
    check_ips(checks, "status.hostIPs", now["hostIPs"]);
}

}  // namespace kinds
