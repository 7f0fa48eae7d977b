// Validation of what keeps pods running: Deployments and their kin.
#include <algorithm>
#include <string>

#include "kinds/validate.h"
#include "object/selector.h"

namespace kinds {

void check_template(Checks& checks, const Path& at, Ref pod_template) {
    const Ref metadata = pod_template["metadata"];
    // Upstream leaves "metadata" out of these two paths.
    check_labels(checks, at / "labels", metadata["labels"]);
    check_annotations(checks, at / "annotations", metadata["annotations"]);
    check_pod_spec(checks, at / "spec", pod_template["spec"], metadata);
    if (pod_template["spec"]["ephemeralContainers"].size() > 0)
        checks.forbidden(at / "spec" / "ephemeralContainers", "ephemeral containers not allowed in pod template");
}

void check_lasting_template(Checks& checks, const Path& at, Ref pod_template, std::string_view owner) {
    check_template(checks, at, pod_template);
    const Ref spec = pod_template["spec"];
    if (const auto policy = spec["restartPolicy"].str(); policy != "Always")
        checks.unsupported(at / "spec" / "restartPolicy", shown(policy), {"Always"});
    if (spec["activeDeadlineSeconds"])
        checks.forbidden(at / "spec" / "activeDeadlineSeconds",
                         "activeDeadlineSeconds in " + std::string(owner) + " is not Supported");
}

/// A selector is there, is one, and selects something less than everything; what it is when it can be read.
static base::Result<object::LabelSelector> checked_selector(Checks& checks, const Path& at, Ref selector,
                                                            std::string_view owner) {
    if (!selector) {
        checks.required(at);
    } else {
        check_label_selector(checks, at, selector);
        if (selector["matchLabels"].size() + selector["matchExpressions"].size() == 0)
            checks.invalid(at, shown(selector), "empty selector is invalid for " + std::string(owner));
    }
    return object::LabelSelector::from_json(selector);
}

static void check_matches(Checks& checks, const Path& at, const object::LabelSelector& selector, Ref pod_template) {
    const Ref labels = pod_template["metadata"]["labels"];
    if (!selector.selects_everything() && !selector.matches(labels))
        checks.invalid(at / "metadata" / "labels", shown(labels), "`selector` does not match template `labels`");
}

static void check_strategy(Checks& checks, const Path& at, Ref strategy) {
    const auto type = strategy["type"].str();
    const Ref rolling = strategy["rollingUpdate"];
    const auto inside = at / "rollingUpdate";
    if (type == "Recreate") {
        if (rolling) checks.forbidden(inside, "may not be specified when strategy `type` is 'Recreate'");
    } else if (type != "RollingUpdate") {
        checks.unsupported(at, shown(strategy), {"Recreate", "RollingUpdate"});
    } else if (!rolling) {
        checks.required(inside, "this should be defaulted and never be nil");
    } else {
        const Ref unavailable = rolling["maxUnavailable"];
        const Ref surge = rolling["maxSurge"];
        check_count_or_percent(checks, inside / "maxUnavailable", unavailable);
        check_count_or_percent(checks, inside / "maxSurge", surge);
        if (count_of(unavailable) == 0 && count_of(surge) == 0)
            checks.invalid(inside / "maxUnavailable", shown(unavailable), "may not be 0 when `maxSurge` is 0");
        check_at_most_all(checks, inside / "maxUnavailable", unavailable);
    }
}

static void check_optional_count(Checks& checks, const Path& at, Ref holder, std::string_view field) {
    if (holder[field]) check_not_negative(checks, at / field, holder[field].num());
}

void validate_deployment(Checks& checks, Ref object) {
    const Path at("spec");
    const Ref spec = object["spec"];
    check_optional_count(checks, at, spec, "replicas");
    const auto selector = checked_selector(checks, at / "selector", spec["selector"], "deployment");
    if (!selector) {
        checks.invalid(at / "selector", shown(spec["selector"]), "invalid label selector");
    } else {
        check_matches(checks, at / "template", *selector, spec["template"]);
        check_lasting_template(checks, at / "template", spec["template"], "ReplicaSet");
    }
    check_strategy(checks, at / "strategy", spec["strategy"]);
    check_optional_count(checks, at, spec, "minReadySeconds");
    check_optional_count(checks, at, spec, "revisionHistoryLimit");
    check_optional_count(checks, at, spec, "progressDeadlineSeconds");
    const Ref deadline = spec["progressDeadlineSeconds"];
    if (deadline && deadline.num() <= spec["minReadySeconds"].num())
        checks.invalid(at / "progressDeadlineSeconds", shown(deadline), "must be greater than minReadySeconds");
}

void validate_replica_set(Checks& checks, Ref object) {
    const Path at("spec");
    const Ref spec = object["spec"];
    check_optional_count(checks, at, spec, "replicas");
    check_optional_count(checks, at, spec, "minReadySeconds");
    const auto selector = checked_selector(checks, at / "selector", spec["selector"], "deployment");
    if (!selector) return checks.invalid(at / "selector", shown(spec["selector"]), "invalid label selector");
    check_matches(checks, at / "template", *selector, spec["template"]);
    check_lasting_template(checks, at / "template", spec["template"], "ReplicaSet");
}

void validate_selector_kept(Checks& checks, const UpdateCheck& update) {
    check_immutable(checks, "spec.selector", update.updated["spec"]["selector"], update.live["spec"]["selector"]);
}

/// Its claims are volumes to the set's pods.
static json::object with_claim_volumes(Ref spec) {
    json::object pod_template = spec["template"].members();
    if (spec["volumeClaimTemplates"].size() == 0) return pod_template;
    auto& volumes = list(child(pod_template, "spec"), "volumes");
    for (const auto& claim : spec["volumeClaimTemplates"].items()) {
        const auto name = Ref(claim)["metadata"]["name"].str();
        const auto same = [&](const json::value& volume) { return Ref(volume)["name"].str() == name; };
        if (std::ranges::any_of(volumes, same)) continue;
        volumes.push_back(json::object{{"name", name}, {"persistentVolumeClaim", {{"claimName", name}}}});
    }
    return pod_template;
}

static void check_set_strategy(Checks& checks, const Path& at, Ref strategy) {
    const auto type = strategy["type"].str();
    const Ref rolling = strategy["rollingUpdate"];
    if (type.empty()) {
        checks.required(at);
    } else if (type == "OnDelete") {
        if (rolling)
            checks.invalid(at / "rollingUpdate", shown(rolling), "only allowed for updateStrategy 'RollingUpdate'");
    } else if (type != "RollingUpdate") {
        checks.invalid(at, shown(strategy), "must be 'RollingUpdate' or 'OnDelete'");
    } else if (rolling) {
        check_not_negative(checks, at / "rollingUpdate" / "partition", rolling["partition"].num());
    }
}

void validate_stateful_set(Checks& checks, Ref object) {
    const Path at("spec");
    const Ref spec = object["spec"];
    const auto policy = spec["podManagementPolicy"].str();
    if (policy.empty())
        checks.required(at / "podManagementPolicy");
    else if (policy != "OrderedReady" && policy != "Parallel")
        checks.invalid(at / "podManagementPolicy", shown(policy), "must be 'OrderedReady' or 'Parallel'");
    check_set_strategy(checks, at / "updateStrategy", spec["updateStrategy"]);
    const Ref retention = spec["persistentVolumeClaimRetentionPolicy"];
    for (const auto* field : {"whenDeleted", "whenScaled"})
        if (retention)
            checks.one_of(at / "persistentVolumeClaimRetentionPolicy" / field, retention[field], {"Retain", "Delete"});
    check_optional_count(checks, at, spec, "replicas");
    check_optional_count(checks, at, spec, "minReadySeconds");
    check_optional_count(checks, at / "ordinals", spec["ordinals"], "start");
    const auto selector = checked_selector(checks, at / "selector", spec["selector"], "statefulset");
    if (!selector) return checks.invalid(at / "selector", shown(spec["selector"]), "invalid label selector");
    check_matches(checks, at / "template", *selector, spec["template"]);
    const auto pod_template = with_claim_volumes(spec);
    check_lasting_template(checks, at / "template", pod_template, "StatefulSet");
}

void validate_stateful_set_update(Checks& checks, const UpdateCheck& update) {
    json::object now = update.updated["spec"].members();
    json::object before = update.live["spec"].members();
    for (const auto* free : {"replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
                             "persistentVolumeClaimRetentionPolicy", "minReadySeconds"}) {
        now.erase(free);
        before.erase(free);
    }
    if (now != before)
        checks.forbidden("spec",
                         "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
                         "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and "
                         "'minReadySeconds' are forbidden");
}

static void check_daemon_strategy(Checks& checks, const Path& at, Ref strategy) {
    const auto type = strategy["type"].str();
    if (type == "OnDelete") return;
    if (type != "RollingUpdate") return checks.unsupported(at, shown(strategy), {"RollingUpdate", "OnDelete"});
    const auto inside = at / "rollingUpdate";
    const Ref rolling = strategy["rollingUpdate"];
    if (!rolling) return checks.required(inside);
    const Ref unavailable = rolling["maxUnavailable"];
    const Ref surge = rolling["maxSurge"];
    check_count_or_percent(checks, inside / "maxUnavailable", unavailable);
    check_at_most_all(checks, inside / "maxUnavailable", unavailable);
    check_count_or_percent(checks, inside / "maxSurge", surge);
    check_at_most_all(checks, inside / "maxSurge", surge);
    if (count_of(unavailable) != 0 && count_of(surge) != 0)
        checks.invalid(inside / "maxSurge", shown(surge), "may not be set when maxUnavailable is non-zero");
    if (count_of(unavailable) == 0 && count_of(surge) == 0)
        checks.required(inside / "maxUnavailable", "cannot be 0 when maxSurge is 0");
}

void validate_daemon_set(Checks& checks, Ref object) {
    const Path at("spec");
    const Ref spec = object["spec"];
    check_label_selector(checks, at / "selector", spec["selector"]);
    const auto selector = object::LabelSelector::from_json(spec["selector"]);
    const Ref labels = spec["template"]["metadata"]["labels"];
    if (selector && !selector->matches(labels))
        checks.invalid(at / "template" / "metadata" / "labels", shown(labels),
                       "`selector` does not match template `labels`");
    const Ref given = spec["selector"];
    if (given && given["matchLabels"].size() + given["matchExpressions"].size() == 0)
        checks.invalid(at / "selector", shown(given), "empty selector is invalid for daemonset");
    check_lasting_template(checks, at / "template", spec["template"], "DaemonSet");
    check_optional_count(checks, at, spec, "minReadySeconds");
    check_daemon_strategy(checks, at / "updateStrategy", spec["updateStrategy"]);
    check_optional_count(checks, at, spec, "revisionHistoryLimit");
}

void validate_replication_controller(Checks& checks, Ref object) {
    const Path at("spec");
    const Ref spec = object["spec"];
    check_optional_count(checks, at, spec, "minReadySeconds");
    if (spec["selector"].size() == 0) checks.required(at / "selector");
    check_optional_count(checks, at, spec, "replicas");
    if (!spec["template"]) return checks.required(at / "template");
    check_matches(checks, at / "template", object::LabelSelector::from_map(spec["selector"]), spec["template"]);
    check_lasting_template(checks, at / "template", spec["template"], "ReplicationController");
}

void validate_pod_template(Checks& checks, Ref object) { check_template(checks, "template", object["template"]); }

static void check_counts(Checks& checks, Ref status, std::initializer_list<const char*> fields) {
    for (const auto* field : fields) check_not_negative(checks, Path("status") / field, status[field].num());
}

static void check_within(Checks& checks, Ref status, const char* field, const char* whole) {
    if (status[field].num() > status[whole].num())
        checks.invalid(Path("status") / field, shown(status[field].num()),
                       "cannot be greater than status." + std::string(whole));
}

void validate_deployment_status(Checks& checks, const UpdateCheck& update) {
    const Ref status = update.updated["status"];
    check_counts(checks, status,
                 {"observedGeneration", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas",
                  "unavailableReplicas", "collisionCount"});
    for (const auto* part : {"updatedReplicas", "readyReplicas", "availableReplicas"})
        check_within(checks, status, part, "replicas");
    check_within(checks, status, "availableReplicas", "readyReplicas");
}

void validate_replica_set_status(Checks& checks, const UpdateCheck& update) {
    const Ref status = update.updated["status"];
    check_counts(checks, status,
                 {"replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration"});
    for (const auto* part : {"fullyLabeledReplicas", "readyReplicas", "availableReplicas"})
        check_within(checks, status, part, "replicas");
    check_within(checks, status, "availableReplicas", "readyReplicas");
}

void validate_stateful_set_status(Checks& checks, const UpdateCheck& update) {
    const Ref status = update.updated["status"];
    check_counts(checks, status,
                 {"replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas",
                  "observedGeneration", "collisionCount"});
    for (const auto* part : {"readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"})
        check_within(checks, status, part, "replicas");
    check_within(checks, status, "availableReplicas", "readyReplicas");
}

void validate_daemon_set_status(Checks& checks, const UpdateCheck& update) {
    check_counts(
        checks, update.updated["status"],
        {"currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady", "observedGeneration",
         "updatedNumberScheduled", "numberAvailable", "numberUnavailable", "collisionCount"});
}

}  // namespace kinds
