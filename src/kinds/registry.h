// Every kind that is served, found by the names that clients use.
#pragma once

#include <span>
#include <string_view>

#include "object/schema.h"

namespace kinds {

using object::Kind;
using object::Message;

/// Built-in kinds in discovery order (group order of 1.36), generated from kinds/*.yaml.
std::span<const Kind> all();
/// By URL: group ("" core), version, plural. Null when there is none.
const Kind* by_resource(std::string_view group, std::string_view version, std::string_view plural);
/// By body: apiVersion ("v1", "apps/v1") and kind.
const Kind* by_kind(std::string_view api_version, std::string_view kind);
/// A message by its group as in kinds/ ("core/v1") and name ("PodSpec"): also of what is no resource
/// (DeleteOptions...).
const Message* message(std::string_view group, std::string_view name);
/// The kind's message group in kinds/ ("core/v1") for an apiVersion ("v1", "apps/v1", "rbac.authorization.k8s.io/v1").
std::span<const Message* const> messages();

}  // namespace kinds
