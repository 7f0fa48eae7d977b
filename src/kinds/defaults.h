// Defaulting of the parts that several kinds share, and of each kind (facts: defaults.yaml). All are idempotent.
#pragma once

#include "kinds/rule.h"

namespace kinds {

void default_pod_spec(json::object& spec);
/// A pod template: its spec, when there is one.
void default_template(json::object& owner);
void default_claim_spec(json::object& spec);
void default_volumes(json::object& pod_spec);
/// The pull policy that an image's tag asks for.
std::string_view pull_policy(std::string_view image);
/// Host network pods: what a container exposes it exposes on the host.
void default_host_ports(json::object& pod_spec);

void default_pod(json::object& pod);
void default_pod_template(json::object& object);
void default_service(json::object& service);
void default_secret(json::object& secret);
void default_namespace(json::object& ns);
void default_node(json::object& node);
void default_persistent_volume(json::object& volume);
void default_claim(json::object& claim);
void default_endpoints(json::object& endpoints);
void default_limit_range(json::object& range);
void default_event(json::object& event);
void default_replication_controller(json::object& controller);
void default_deployment(json::object& deployment);
void default_replica_set(json::object& set);
void default_stateful_set(json::object& set);
void default_daemon_set(json::object& set);
void default_job(json::object& job);
void default_cron_job(json::object& job);
void default_autoscaler_v1(json::object& scaler);
void default_autoscaler_v2(json::object& scaler);
void default_ingress_class(json::object& ingress_class);
void default_network_policy(json::object& policy);
void default_endpoint_slice(json::object& slice);
void default_role_binding(json::object& binding);
void default_storage_class(json::object& storage_class);
void default_csi_driver(json::object& driver);
void default_priority_class(json::object& priority_class);
void default_validating_webhooks(json::object& configuration);
void default_mutating_webhooks(json::object& configuration);
void default_validating_policy(json::object& policy);
void default_mutating_policy(json::object& policy);
void default_policy_binding(json::object& binding);
void default_custom_resource_definition(json::object& definition);
void default_api_service(json::object& service);
void default_flow_schema(json::object& schema);
void default_priority_level(json::object& level);
void default_token_request(json::object& request);
void default_resource_claim(json::object& claim);
void default_resource_claim_template(json::object& claim);
void default_device_class(json::object& device_class);
void default_resource_slice(json::object& slice);

}  // namespace kinds
