// Checks that several kinds share. Rule: causes come in upstream's order, under upstream's paths.
#pragma once

#include <string_view>

#include "kinds/names.h"
#include "kinds/rule.h"

namespace kinds {

/// metadata of a new object; `named` checks names (a prefix of one for generateName).
void check_metadata(Checks& checks, const object::Kind& kind, NameRule named, Ref object);
/// What may not change in metadata.
void check_metadata_update(Checks& checks, Ref updated, Ref live);
void check_name(Checks& checks, const Path& at, NameRule rule, std::string_view name);
/// A name that goes on after `prefix`.
void check_name_prefix(Checks& checks, const Path& at, NameRule rule, std::string_view prefix);
void check_labels(Checks& checks, const Path& at, Ref labels);
void check_annotations(Checks& checks, const Path& at, Ref annotations);

struct SelectorRules {
    bool values_checked = true;  ///< also values in expressions must be label values
};
void check_label_selector(Checks& checks, const Path& at, Ref selector, SelectorRules rules = {});

/// "field is immutable" unless both are equal.
void check_immutable(Checks& checks, const Path& at, Ref updated, Ref live);
bool equal(Ref a, Ref b);
void check_not_negative(Checks& checks, const Path& at, std::int64_t value);
/// An int-or-string that is a count or a percentage; true when it is one.
bool check_count_or_percent(Checks& checks, const Path& at, Ref value);
/// A percentage may not exceed 100.
void check_at_most_all(Checks& checks, const Path& at, Ref value);
/// What a count or percentage comes to; 0 for neither.
std::int64_t count_of(Ref value);

void check_pod_spec(Checks& checks, const Path& at, Ref spec, Ref metadata);

/// A pod template: labels, annotations, spec.
void check_template(Checks& checks, const Path& at, Ref pod_template);
/// A template whose pods run for ever: "Always" is the only restart policy, and there is no deadline.
void check_lasting_template(Checks& checks, const Path& at, Ref pod_template, std::string_view owner);

void check_resources(Checks& checks, const Path& at, Ref resources);
void check_resource_name(Checks& checks, const Path& at, std::string_view name);
void check_quantity(Checks& checks, const Path& at, std::string_view name, Ref quantity);
void check_volumes(Checks& checks, const Path& at, Ref spec);
void check_claim_spec(Checks& checks, const Path& at, Ref spec);
void check_containers(Checks& checks, const Path& at, Ref spec);
void check_pod_security(Checks& checks, const Path& at, Ref spec);
void check_pod_placement(Checks& checks, const Path& at, Ref spec);

void validate_config_map(Checks& checks, Ref object);
void validate_config_map_update(Checks& checks, const UpdateCheck& update);
void validate_secret(Checks& checks, Ref object);
void validate_secret_update(Checks& checks, const UpdateCheck& update);
void validate_namespace(Checks& checks, Ref object);
void validate_namespace_status(Checks& checks, const UpdateCheck& update);
void validate_node(Checks& checks, Ref object);
void validate_node_update(Checks& checks, const UpdateCheck& update);
void validate_node_status(Checks& checks, const UpdateCheck& update);
void validate_event(Checks& checks, Ref object);
void validate_new_event(Checks& checks, Ref object);
void validate_new_event_update(Checks& checks, const UpdateCheck& update);
void validate_lease(Checks& checks, Ref object);
void validate_endpoints(Checks& checks, Ref object);
void validate_endpoint_slice(Checks& checks, Ref object);
void validate_endpoint_slice_update(Checks& checks, const UpdateCheck& update);
void validate_controller_revision(Checks& checks, Ref object);
void validate_controller_revision_update(Checks& checks, const UpdateCheck& update);
void validate_deployment(Checks& checks, Ref object);
void validate_deployment_status(Checks& checks, const UpdateCheck& update);
void validate_replica_set(Checks& checks, Ref object);
void validate_replica_set_status(Checks& checks, const UpdateCheck& update);
void validate_selector_kept(Checks& checks, const UpdateCheck& update);
void validate_stateful_set(Checks& checks, Ref object);
void validate_stateful_set_update(Checks& checks, const UpdateCheck& update);
void validate_stateful_set_status(Checks& checks, const UpdateCheck& update);
void validate_daemon_set(Checks& checks, Ref object);
void validate_daemon_set_status(Checks& checks, const UpdateCheck& update);
void validate_replication_controller(Checks& checks, Ref object);

void validate_job(Checks& checks, Ref job);
void validate_job_update(Checks& checks, const UpdateCheck& update);
void validate_cron_job_update(Checks& checks, const UpdateCheck& update);
void validate_new_cron_job(Checks& checks, Ref job);
void validate_claim(Checks& checks, Ref claim);
void validate_claim_update(Checks& checks, const UpdateCheck& update);
void validate_persistent_volume(Checks& checks, Ref volume);
void validate_persistent_volume_update(Checks& checks, const UpdateCheck& update);
void validate_storage_class(Checks& checks, Ref object);
void validate_storage_class_update(Checks& checks, const UpdateCheck& update);
void validate_csi_driver(Checks& checks, Ref object);
void validate_volume_attachment(Checks& checks, Ref object);
/// The whole spec is immutable.
void validate_spec_kept(Checks& checks, const UpdateCheck& update);
void validate_disruption_budget(Checks& checks, Ref object);
void validate_quota(Checks& checks, Ref object);
void validate_quota_update(Checks& checks, const UpdateCheck& update);
void validate_autoscaler(Checks& checks, Ref object);
void validate_priority_class(Checks& checks, Ref object);
void validate_priority_class_update(Checks& checks, const UpdateCheck& update);
void validate_runtime_class(Checks& checks, Ref object);
void validate_runtime_class_update(Checks& checks, const UpdateCheck& update);
void validate_role(Checks& checks, Ref object);
void validate_role_binding(Checks& checks, Ref object);
void validate_role_binding_update(Checks& checks, const UpdateCheck& update);
void validate_ingress(Checks& checks, Ref object);
/// Addresses that a load balancer gave, of an Ingress or a Service.
void validate_balancer_status(Checks& checks, const UpdateCheck& update);
void validate_ingress_class(Checks& checks, Ref object);
void validate_ingress_class_update(Checks& checks, const UpdateCheck& update);
void validate_network_policy(Checks& checks, Ref object);
void validate_ip_address(Checks& checks, Ref object);
void validate_service_cidr(Checks& checks, Ref object);

void validate_webhooks(Checks& checks, Ref object);
void validate_api_service(Checks& checks, Ref object);
void validate_signing_request(Checks& checks, Ref object);
void validate_csi_node(Checks& checks, Ref object);
void validate_csi_node_update(Checks& checks, const UpdateCheck& update);
void validate_csi_driver_update(Checks& checks, const UpdateCheck& update);
void validate_resource_slice_update(Checks& checks, const UpdateCheck& update);

void validate_pod_create(Checks& checks, Ref pod);
void validate_pod_update(Checks& checks, const UpdateCheck& update);
void validate_pod_status(Checks& checks, const UpdateCheck& update);
void validate_pod_template(Checks& checks, Ref object);
void validate_service(Checks& checks, Ref service);
void validate_service_status(Checks& checks, const UpdateCheck& update);
void validate_service_update(Checks& checks, const UpdateCheck& update);

}  // namespace kinds
