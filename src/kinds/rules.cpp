// The one list of what kinds bring beside their data: kind -> functions.
#include "kinds/rules.h"

#include <span>

#include "kinds/defaults.h"
#include "kinds/prepare.h"
#include "kinds/rule.h"

namespace kinds {

static std::span<const Rule> rules() {
    static constexpr Rule list[] = {
        {.group = "", .kind = "Pod", .set_defaults = default_pod, .prepare_create = prepare_pod_create},
        {.group = "", .kind = "PodTemplate", .set_defaults = default_pod_template},
        {.group = "",
         .kind = "Service",
         .set_defaults = default_service,
         .prepare_create = prepare_service_create,
         .prepare_update = prepare_service_update,
         .name = NameRule::service},
        {.group = "", .kind = "ConfigMap"},
        {.group = "", .kind = "Secret", .set_defaults = default_secret},
        {.group = "",
         .kind = "Namespace",
         .set_defaults = default_namespace,
         .prepare_create = prepare_namespace_create,
         .name = NameRule::label},
        {.group = "", .kind = "ServiceAccount"},
        {.group = "", .kind = "Node", .set_defaults = default_node},
        {.group = "",
         .kind = "PersistentVolume",
         .set_defaults = default_persistent_volume,
         .prepare_create = prepare_volume_create},
        {.group = "",
         .kind = "PersistentVolumeClaim",
         .set_defaults = default_claim,
         .prepare_create = prepare_claim_create},
        {.group = "", .kind = "Endpoints", .set_defaults = default_endpoints},
        {.group = "", .kind = "LimitRange", .set_defaults = default_limit_range},
        {.group = "", .kind = "ResourceQuota"},
        {.group = "", .kind = "Event", .set_defaults = default_event},
        {.group = "events.k8s.io", .kind = "Event", .set_defaults = default_event},
        {.group = "", .kind = "ReplicationController", .set_defaults = default_replication_controller},
        {.group = "apps",
         .kind = "Deployment",
         .set_defaults = default_deployment,
         .status_meta = StatusMeta::keep_labels},
        {.group = "apps", .kind = "ReplicaSet", .set_defaults = default_replica_set},
        {.group = "apps", .kind = "StatefulSet", .set_defaults = default_stateful_set},
        {.group = "apps", .kind = "DaemonSet", .set_defaults = default_daemon_set},
        {.group = "apps", .kind = "ControllerRevision"},
        {.group = "batch", .kind = "Job", .set_defaults = default_job, .prepare_create = prepare_job_create},
        {.group = "batch", .kind = "CronJob", .set_defaults = default_cron_job},
        {.group = "autoscaling",
         .kind = "HorizontalPodAutoscaler",
         .set_defaults = default_autoscaler_v2,
         .version = "v2"},
        {.group = "autoscaling",
         .kind = "HorizontalPodAutoscaler",
         .set_defaults = default_autoscaler_v1,
         .version = "v1"},
        {.group = "networking.k8s.io", .kind = "Ingress"},
        {.group = "networking.k8s.io", .kind = "IngressClass", .set_defaults = default_ingress_class},
        {.group = "networking.k8s.io", .kind = "NetworkPolicy", .set_defaults = default_network_policy},
        {.group = "networking.k8s.io", .kind = "IPAddress", .name = NameRule::ip_address},
        {.group = "networking.k8s.io", .kind = "ServiceCIDR"},
        {.group = "policy", .kind = "PodDisruptionBudget"},
        {.group = "discovery.k8s.io", .kind = "EndpointSlice", .set_defaults = default_endpoint_slice},
        {.group = "coordination.k8s.io", .kind = "Lease"},
        {.group = "rbac.authorization.k8s.io", .kind = "Role", .name = NameRule::path_segment},
        {.group = "rbac.authorization.k8s.io", .kind = "ClusterRole", .name = NameRule::path_segment},
        {.group = "rbac.authorization.k8s.io",
         .kind = "RoleBinding",
         .set_defaults = default_role_binding,
         .name = NameRule::path_segment},
        {.group = "rbac.authorization.k8s.io",
         .kind = "ClusterRoleBinding",
         .set_defaults = default_role_binding,
         .name = NameRule::path_segment},
        {.group = "storage.k8s.io", .kind = "StorageClass", .set_defaults = default_storage_class},
        {.group = "storage.k8s.io", .kind = "CSIDriver", .set_defaults = default_csi_driver},
        {.group = "storage.k8s.io", .kind = "CSINode"},
        {.group = "storage.k8s.io", .kind = "CSIStorageCapacity"},
        {.group = "storage.k8s.io", .kind = "VolumeAttachment"},
        {.group = "storage.k8s.io", .kind = "VolumeAttributesClass"},
        {.group = "scheduling.k8s.io", .kind = "PriorityClass", .set_defaults = default_priority_class},
        {.group = "node.k8s.io", .kind = "RuntimeClass"},
        {.group = "admissionregistration.k8s.io",
         .kind = "ValidatingWebhookConfiguration",
         .set_defaults = default_validating_webhooks},
        {.group = "admissionregistration.k8s.io",
         .kind = "MutatingWebhookConfiguration",
         .set_defaults = default_mutating_webhooks},
        {.group = "admissionregistration.k8s.io",
         .kind = "ValidatingAdmissionPolicy",
         .set_defaults = default_validating_policy,
         .status_meta = StatusMeta::keep_all},
        {.group = "admissionregistration.k8s.io",
         .kind = "ValidatingAdmissionPolicyBinding",
         .set_defaults = default_policy_binding},
        {.group = "admissionregistration.k8s.io",
         .kind = "MutatingAdmissionPolicy",
         .set_defaults = default_mutating_policy},
        {.group = "admissionregistration.k8s.io",
         .kind = "MutatingAdmissionPolicyBinding",
         .set_defaults = default_policy_binding},
        {.group = "apiextensions.k8s.io",
         .kind = "CustomResourceDefinition",
         .set_defaults = default_custom_resource_definition,
         .prepare_create = prepare_definition_create,
         .status_meta = StatusMeta::keep_all},
        {.group = "apiregistration.k8s.io",
         .kind = "APIService",
         .set_defaults = default_api_service,
         .name = NameRule::path_segment,
         .status_meta = StatusMeta::keep_all},
        {.group = "flowcontrol.apiserver.k8s.io",
         .kind = "FlowSchema",
         .set_defaults = default_flow_schema,
         .status_meta = StatusMeta::keep_all},
        {.group = "flowcontrol.apiserver.k8s.io",
         .kind = "PriorityLevelConfiguration",
         .set_defaults = default_priority_level,
         .status_meta = StatusMeta::keep_all},
        {.group = "certificates.k8s.io",
         .kind = "CertificateSigningRequest",
         .name = NameRule::path_segment,
         .status_meta = StatusMeta::keep_all},
        {.group = "authentication.k8s.io", .kind = "TokenRequest", .set_defaults = default_token_request},
        {.group = "resource.k8s.io",
         .kind = "ResourceClaim",
         .set_defaults = default_resource_claim,
         .status_meta = StatusMeta::keep_all},
        {.group = "resource.k8s.io", .kind = "ResourceClaimTemplate", .set_defaults = default_resource_claim_template},
        {.group = "resource.k8s.io", .kind = "DeviceClass", .set_defaults = default_device_class},
        {.group = "resource.k8s.io", .kind = "ResourceSlice", .set_defaults = default_resource_slice},
    };
    return list;
}

const Rule* find_rule(const object::Kind& kind) {
    for (const auto& rule : rules())
        if (rule.group == kind.group && rule.kind == kind.kind &&
            (rule.version.empty() || rule.version == kind.version))
            return &rule;
    return nullptr;
}

void set_defaults(const object::Kind& kind, json::object& object) {
    const auto* rule = find_rule(kind);
    if (rule && rule->set_defaults) rule->set_defaults(object);
}

}  // namespace kinds
