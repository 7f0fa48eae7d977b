// Defaults of what makes pods: apps, batch, autoscaling, and the old replication controller.
#include <cstdint>
#include <limits>

#include "kinds/defaults.h"

namespace kinds {

void default_replication_controller(json::object& controller) {
    auto& spec = child(controller, "spec");
    default_template(spec);
    const Ref labels = Ref(spec)["template"]["metadata"]["labels"];
    if (labels.size() > 0) {
        const json::object copy = labels.members();
        fill_zero(spec, "selector", copy);
        fill_zero(child(controller, "metadata"), "labels", copy);
    }
    fill(spec, "replicas", 1);
}

void default_deployment(json::object& deployment) {
    auto& spec = child(deployment, "spec");
    child(spec, "template");
    default_template(spec);
    fill(spec, "replicas", 1);
    auto& strategy = child(spec, "strategy");
    fill_zero(strategy, "type", "RollingUpdate");
    if (Ref(strategy)["type"].str() == "RollingUpdate") {
        auto& rolling = child(strategy, "rollingUpdate");
        fill(rolling, "maxUnavailable", "25%");
        fill(rolling, "maxSurge", "25%");
    }
    fill(spec, "revisionHistoryLimit", 10);
    fill(spec, "progressDeadlineSeconds", 600);
}

void default_replica_set(json::object& set) {
    auto& spec = child(set, "spec");
    child(spec, "template");
    default_template(spec);
    fill(spec, "replicas", 1);
}

static void default_claim_templates(json::object& spec) {
    auto* claims = find_list(spec, "volumeClaimTemplates");
    if (!claims) return;
    for (auto& item : *claims) {
        auto* claim = item.if_object();
        if (!claim) continue;
        fill_zero(*claim, "apiVersion", "v1");
        fill_zero(*claim, "kind", "PersistentVolumeClaim");
        default_claim(*claim);
    }
}

void default_stateful_set(json::object& set) {
    auto& spec = child(set, "spec");
    child(spec, "template");
    default_template(spec);
    default_claim_templates(spec);
    fill_zero(spec, "podManagementPolicy", "OrderedReady");
    auto& strategy = child(spec, "updateStrategy");
    fill_zero(strategy, "type", "RollingUpdate");
    if (Ref(strategy)["type"].str() == "RollingUpdate") fill(child(strategy, "rollingUpdate"), "partition", 0);
    auto& retention = child(spec, "persistentVolumeClaimRetentionPolicy");
    fill_zero(retention, "whenDeleted", "Retain");
    fill_zero(retention, "whenScaled", "Retain");
    fill(spec, "replicas", 1);
    fill(spec, "revisionHistoryLimit", 10);
}

void default_daemon_set(json::object& set) {
    // The template's count stands in an annotation, 0 where it is not known; preparing sets it right.
    fill_zero(child(child(set, "metadata"), "annotations"), "deprecated.daemonset.template.generation", "0");
    auto& spec = child(set, "spec");
    child(spec, "template");
    default_template(spec);
    auto& strategy = child(spec, "updateStrategy");
    fill_zero(strategy, "type", "RollingUpdate");
    if (Ref(strategy)["type"].str() == "RollingUpdate") {
        auto& rolling = child(strategy, "rollingUpdate");
        fill(rolling, "maxUnavailable", 1);
        fill(rolling, "maxSurge", 0);
    }
    fill(spec, "revisionHistoryLimit", 10);
}

static void default_failure_policy(json::object& spec) {
    auto* policy = find_object(spec, "podFailurePolicy");
    auto* rules = policy ? find_list(*policy, "rules") : nullptr;
    if (!rules) return;
    for (auto& item : *rules) {
        auto* rule = item.if_object();
        auto* patterns = rule ? find_list(*rule, "onPodConditions") : nullptr;
        if (!patterns) continue;
        for (auto& pattern : *patterns)
            if (auto* p = pattern.if_object()) fill_zero(*p, "status", "True");
    }
}

void default_job(json::object& job) {
    auto& spec = child(job, "spec");
    child(spec, "template");
    default_template(spec);
    if (unset(spec, "completions") && unset(spec, "parallelism")) {
        spec["completions"] = 1;
        spec["parallelism"] = 1;
    }
    fill(spec, "parallelism", 1);
    fill(spec, "backoffLimit", unset(spec, "backoffLimitPerIndex") ? 6 : std::numeric_limits<std::int32_t>::max());
    const Ref labels = Ref(spec)["template"]["metadata"]["labels"];
    if (labels.size() > 0) {
        const json::object copy = labels.members();
        fill_zero(child(job, "metadata"), "labels", copy);
    }
    fill(spec, "completionMode", "NonIndexed");
    fill(spec, "suspend", false);
    fill(spec, "podReplacementPolicy", unset(spec, "podFailurePolicy") ? "TerminatingOrFailed" : "Failed");
    fill(spec, "manualSelector", false);
    default_failure_policy(spec);
}

void default_cron_job(json::object& job) {
    auto& spec = child(job, "spec");
    fill_zero(spec, "concurrencyPolicy", "Allow");
    fill(spec, "suspend", false);
    fill(spec, "successfulJobsHistoryLimit", 3);
    fill(spec, "failedJobsHistoryLimit", 1);
    auto& job_template = child(spec, "jobTemplate");
    child(job_template, "metadata");
    auto& job_spec = child(job_template, "spec");
    child(job_spec, "template");
    default_template(job_spec);
    default_failure_policy(job_spec);
}

static constexpr int cpu_target_percent = 80;

void default_autoscaler_v1(json::object& scaler) {
    auto& spec = child(scaler, "spec");
    fill(spec, "minReplicas", 1);
    // Metrics other than cpu travel in an annotation at this version.
    if (Ref(scaler)["metadata"]["annotations"]["autoscaling.alpha.kubernetes.io/metrics"].missing())
        fill(spec, "targetCPUUtilizationPercentage", cpu_target_percent);
}

static json::object scaling_policy(std::string_view type, int value) {
    return {{"type", type}, {"value", value}, {"periodSeconds", 15}};
}

static void default_behavior(json::object& behavior) {
    auto& up = child(behavior, "scaleUp");
    fill(up, "stabilizationWindowSeconds", 0);
    fill(up, "selectPolicy", "Max");
    if (unset(up, "policies")) up["policies"] = json::array{scaling_policy("Pods", 4), scaling_policy("Percent", 100)};
    auto& down = child(behavior, "scaleDown");
    fill(down, "selectPolicy", "Max");
    if (unset(down, "policies")) down["policies"] = json::array{scaling_policy("Percent", 100)};
}

void default_autoscaler_v2(json::object& scaler) {
    auto& spec = child(scaler, "spec");
    fill(spec, "minReplicas", 1);
    if (zero(spec, "metrics")) {
        const json::object target{{"type", "Utilization"}, {"averageUtilization", cpu_target_percent}};
        const json::object resource{{"name", "cpu"}, {"target", target}};
        spec["metrics"] = json::array{json::object{{"type", "Resource"}, {"resource", resource}}};
    }
    if (auto* behavior = find_object(spec, "behavior")) default_behavior(*behavior);
}

}  // namespace kinds
