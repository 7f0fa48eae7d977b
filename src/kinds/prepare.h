// What the server does to objects of each kind before they are stored (upstream: the create and update strategies).
#pragma once

#include "kinds/rule.h"

namespace kinds {

/// A gated Pod's first condition takes metadata.creationTimestamp.
void prepare_pod_create(json::object& pod);
/// What a write of status may leave out: the quality of service; owners it never changes.
void prepare_pod_status(json::object& updated, const json::object& live);
/// An update through `ephemeralcontainers` or `resize` changes only what that path is for.
void prepare_pod_part(json::object& updated, const json::object& live, std::string_view subresource);
/// Label keys that selectors are to take from the pod's own labels are written into them.
void merge_match_label_keys(json::object& pod);
/// "Guaranteed", "Burstable" or "BestEffort".
std::string_view quality_of_service(Ref pod);
void prepare_service_create(json::object& service);
void prepare_service_update(json::object& updated, const json::object& live);
void prepare_namespace_create(json::object& ns);
void prepare_volume_create(json::object& volume);
void prepare_claim_create(json::object& claim);
/// Needs metadata.name and metadata.uid.
void prepare_job_create(json::object& job);
void prepare_daemon_set_create(json::object& set);
void prepare_daemon_set_update(json::object& updated, const json::object& live);
void prepare_slice_create(json::object& slice);
void prepare_slice_update(json::object& updated, const json::object& live);
void prepare_definition_create(json::object& definition);

}  // namespace kinds
