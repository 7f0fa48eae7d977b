// What of a Pod may change: images, the deadline (down), tolerations (more), scheduling gates (fewer), a negative
// grace period (to 1); ephemeral containers and resources through paths of their own.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string>

#include "kinds/prepare.h"
#include "kinds/validate_pod.h"

namespace kinds {

static constexpr std::string_view spec_why =
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously "
    "negative),`spec.tolerations` (only additions to existing tolerations)";

/// Containers may not come or go, and each has an image; false when some do.
static bool check_same_containers(Checks& checks, const UpdateCheck& update, std::string_view containers) {
    const auto& now = update.updated["spec"][containers].items();
    const auto at = Path("spec") / containers;
    if (now.size() != update.live["spec"][containers].size()) {
        checks.forbidden(at, "pod updates may not add or remove containers");
        return false;
    }
    for (std::size_t i = 0; i < now.size(); ++i) check_image(checks, at[i] / "image", Ref(now[i])["image"].str());
    return true;
}

/// The deadline may be set and lowered; false when it does anything else.
static bool check_deadline_lowered(Checks& checks, Ref now, Ref before) {
    const Path at("spec.activeDeadlineSeconds");
    if (!now) {
        if (before) checks.invalid(at, "null", "must not update from a positive integer to nil value");
        return true;
    }
    if (now.num() < 0 || now.num() > std::numeric_limits<std::int32_t>::max()) {
        checks.invalid(at, shown(now), "must be between 0 and 2147483647, inclusive");
        return false;
    }
    if (before && before.num() < now.num()) {
        checks.invalid(at, shown(now), "must be less than or equal to previous value");
        return false;
    }
    return true;
}

static json::object without(const json::value& value, std::string_view key) {
    json::object out = Ref(value).members();
    out.erase(key);
    return out;
}

static void check_tolerations_kept(Checks& checks, Ref now, Ref before) {
    const auto& items = now.items();
    for (const auto& old : before.items()) {
        const auto wanted = without(old, "tolerationSeconds");
        const auto same = [&](const json::value& item) { return without(item, "tolerationSeconds") == wanted; };
        if (std::ranges::any_of(items, same)) continue;
        checks.forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds");
        return;  // upstream tells of the first alone
    }
    check_tolerations(checks, "spec.tolerations", now);
}

static void check_gates_only_go(Checks& checks, Ref now, Ref before) {
    const auto& items = now.items();
    for (std::size_t i = 0; i < items.size(); ++i) {
        const auto& old = before.items();
        if (std::ranges::find(old, items[i]) == old.end())
            checks.forbidden(Path("spec.schedulingGates")[i] / "name",
                             fmt::format("only deletion is allowed, but found new scheduling gate '{}'",
                                         Ref(items[i])["name"].str()));
    }
}

static void take(json::object& to, Ref from, std::string_view key) {
    if (const auto* value = from[key].value())
        to[key] = *value;
    else
        to.erase(key);
}

/// The new spec with everything that may change set back to what it was.
static json::object with_changes_undone(Ref now, Ref before) {
    json::object spec = now.members();
    for (const auto* containers : {"containers", "initContainers"})
        if (auto* items = find_list(spec, containers))
            for (std::size_t i = 0; i < items->size(); ++i)
                if (auto* container = (*items)[i].if_object()) take(*container, before[containers][i], "image");
    for (const auto* free : {"activeDeadlineSeconds", "tolerations", "schedulingGates"}) take(spec, before, free);
    if (before["terminationGracePeriodSeconds"].num() < 0 && now["terminationGracePeriodSeconds"].num() == 1)
        take(spec, before, "terminationGracePeriodSeconds");
    return spec;
}

/// A gated pod has not been placed yet, so where it may go can still be narrowed.
static void narrow_gated(Checks& checks, json::object& spec, Ref before) {
    if (before["schedulingGates"].size() == 0) return;
    const Ref now_selector = Ref(spec)["nodeSelector"];
    for (const auto& old : before["nodeSelector"].members())
        if (now_selector[old.key()].str() != Ref(old.value()).str()) {
            checks.invalid("spec.nodeSelector", shown(now_selector), "only additions are allowed");
            break;
        }
    take(spec, before, "nodeSelector");
    if (before["affinity"]["nodeAffinity"]) return;
    if (auto* affinity = find_object(spec, "affinity")) {
        affinity->erase("nodeAffinity");
        if (affinity->empty() && !before["affinity"]) spec.erase("affinity");
    }
}

static void check_main_update(Checks& checks, const UpdateCheck& update) {
    const Ref now = update.updated["spec"];
    const Ref before = update.live["spec"];
    for (const auto* containers : {"containers", "initContainers"})
        if (!check_same_containers(checks, update, containers)) return;
    if (!check_deadline_lowered(checks, now["activeDeadlineSeconds"], before["activeDeadlineSeconds"])) return;
    check_tolerations_kept(checks, now["tolerations"], before["tolerations"]);
    check_gates_only_go(checks, now["schedulingGates"], before["schedulingGates"]);
    auto undone = with_changes_undone(now, before);
    narrow_gated(checks, undone, before);
    if (undone != before.members()) checks.forbidden("spec", spec_why);
}

static void check_ephemeral_update(Checks& checks, const UpdateCheck& update) {
    const Path at("spec.ephemeralContainers");
    const auto& now = update.updated["spec"]["ephemeralContainers"].items();
    for (const auto& old : update.live["spec"]["ephemeralContainers"].items()) {
        const auto name = Ref(old)["name"].str();
        const auto found =
            std::ranges::find_if(now, [&](const json::value& item) { return Ref(item)["name"].str() == name; });
        if (found == now.end())
            checks.forbidden(at, fmt::format("existing ephemeral containers \"{}\" may not be removed", name));
        else if (*found != old)
            checks.forbidden(at, fmt::format("existing ephemeral containers \"{}\" may not be changed", name));
    }
}

static void check_resize(Checks& checks, const UpdateCheck& update) {
    if (quality_of_service(update.updated) != quality_of_service(update.live))
        checks.invalid("spec", shown(quality_of_service(update.updated)),
                       "Pod QOS Class may not change as a result of resizing");
}

void validate_pod_update(Checks& checks, const UpdateCheck& update) {
    Checks own;
    check_pod(own, update.updated);
    if (update.subresource == "ephemeralcontainers")
        check_ephemeral_update(own, update);
    else if (update.subresource == "resize")
        check_resize(own, update);
    else
        check_main_update(own, update);
    checks.add(own.take());
}

}  // namespace kinds
