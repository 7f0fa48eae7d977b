// Table cells by kind: each function gives one row for the kind's columns in order (facts: resources.yaml).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kinds/rule.h"

namespace kinds {

/// How long ago, as people read it; "<unknown>" for no time.
std::string age_of(Ref time, base::Time now);
/// Since the object was created.
std::string age(Ref object, base::Time now);
std::string_view name_of(Ref object);
std::string joined(const std::vector<std::string>& texts, std::string_view between = ",");
/// "k=v,k2=v2" by key; "<none>" when there are none.
std::string labels_text(Ref labels);
/// A label selector as text; "<none>" for an empty or missing one.
std::string selector_text(Ref selector);
/// The text, or `otherwise` when it is empty.
std::string_view or_text(std::string_view text, std::string_view otherwise);
/// What a quantity, int-or-string or plain string says.
std::string plain(Ref value);
/// "a,b,c + 2 more..." of all but the first `shown`.
std::string first_of(const std::vector<std::string>& texts, std::size_t shown, std::string_view between = ",");

json::array pod_cells(Ref pod, base::Time now);
json::array pod_template_cells(Ref object, base::Time now);
json::array deployment_cells(Ref object, base::Time now);
json::array replica_set_cells(Ref object, base::Time now);
json::array replication_controller_cells(Ref object, base::Time now);
json::array stateful_set_cells(Ref object, base::Time now);
json::array daemon_set_cells(Ref object, base::Time now);
json::array controller_revision_cells(Ref object, base::Time now);
json::array job_cells(Ref object, base::Time now);
json::array cron_job_cells(Ref object, base::Time now);
json::array autoscaler_cells(Ref object, base::Time now);
json::array disruption_budget_cells(Ref object, base::Time now);
json::array component_status_cells(Ref object, base::Time now);
json::array config_map_cells(Ref object, base::Time now);
json::array secret_cells(Ref object, base::Time now);
json::array namespace_cells(Ref object, base::Time now);
json::array node_cells(Ref object, base::Time now);
json::array event_cells(Ref object, base::Time now);
json::array new_event_cells(Ref object, base::Time now);
json::array quota_cells(Ref object, base::Time now);
json::array claim_cells(Ref object, base::Time now);
json::array volume_cells(Ref object, base::Time now);
json::array service_cells(Ref object, base::Time now);
json::array endpoints_cells(Ref object, base::Time now);
json::array endpoint_slice_cells(Ref object, base::Time now);
json::array ingress_cells(Ref object, base::Time now);
json::array ingress_class_cells(Ref object, base::Time now);
json::array network_policy_cells(Ref object, base::Time now);
json::array ip_address_cells(Ref object, base::Time now);
json::array service_cidr_cells(Ref object, base::Time now);
json::array role_binding_cells(Ref object, base::Time now);
json::array storage_class_cells(Ref object, base::Time now);
json::array csi_driver_cells(Ref object, base::Time now);
json::array csi_node_cells(Ref object, base::Time now);
json::array volume_attachment_cells(Ref object, base::Time now);
json::array attributes_class_cells(Ref object, base::Time now);
json::array webhook_cells(Ref object, base::Time now);
json::array validating_policy_cells(Ref object, base::Time now);
json::array mutating_policy_cells(Ref object, base::Time now);
json::array policy_binding_cells(Ref object, base::Time now);
json::array priority_class_cells(Ref object, base::Time now);
json::array lease_cells(Ref object, base::Time now);
json::array runtime_class_cells(Ref object, base::Time now);
json::array resource_claim_cells(Ref object, base::Time now);
json::array resource_slice_cells(Ref object, base::Time now);
json::array flow_schema_cells(Ref object, base::Time now);
json::array priority_level_cells(Ref object, base::Time now);
json::array api_service_cells(Ref object, base::Time now);
json::array signing_request_cells(Ref object, base::Time now);

}  // namespace kinds
