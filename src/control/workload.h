// Facts about pods and their owners that several workload controllers share. Pure.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/controller.h"
#include "object/json.h"

namespace control {

namespace json = object::json;
using base::Duration;
using base::Result;
using base::Time;
using engine::Pass;
using engine::Plan;
using engine::Resource;
using object::Object;
using object::ObjectPtr;
using object::Ref;

const Resource& pods();
const Resource& nodes();
const Resource& services();
const Resource& replicasets();
const Resource& deployments();

/// Takes out of a JSON array what `gone` says.
template <class Gone>
void erase_items(json::array& items, Gone gone) {
    items.erase(std::remove_if(items.begin(), items.end(), gone), items.end());
}

/// The condition of that type in status.conditions; missing when there is none.
Ref condition(Ref object, std::string_view type);
bool pod_ready(Ref pod);
/// When the Ready condition last became what it is.
std::optional<Time> ready_since(Ref pod);
/// Ready, and for `min_ready_s` at least.
bool pod_available(Ref pod, std::int64_t min_ready_s, Time now);
/// Succeeded or Failed.
bool pod_finished(Ref pod);
/// Neither finished nor told to go.
bool pod_active(const Object& pod);

struct OwnerKind {
    std::string_view api_version, kind;
};
/// The controlling reference to `owner`.
json::object owner_reference(const Object& owner, OwnerKind kind);
bool is_controlled_by(const Object& object, std::string_view uid);
/// A copy of the object with the owner's controlling reference, for adoption.
json::object adopted(const Object& object, const Object& owner, OwnerKind kind);
/// A copy of the object without references to `uid`.
json::object released(const Object& object, std::string_view uid);

/// What belongs to an owner, and what is to be done so that it is so.
struct Claims {
    std::vector<ObjectPtr> owned;
    std::vector<json::object> changed;  ///< to be updated first: adoptions and releases
};
/// Owned objects that still match stay, others are released; matching orphans are adopted unless the owner goes.
struct ClaimRule {
    const Object& owner;
    OwnerKind kind;
    const object::LabelSelector& selector;
};
Claims claim(const ClaimRule& rule, const std::vector<ObjectPtr>& owned, const std::vector<ObjectPtr>& matching);

/// A template (PodTemplateSpec) as a new pod of `owner`, named by the API after the owner.
json::object pod_from(Ref pod_template, const Object& owner, OwnerKind kind);

/// Orders by creation, then name, as upstream lists "oldest first".
bool older(const ObjectPtr& a, const ObjectPtr& b);
/// The integer of an annotation; nothing when it is none.
std::optional<std::int64_t> annotation_number(const Object& object, std::string_view name);
/// Same value whatever the order of keys.
std::uint64_t stable_hash(const json::value& value);

}  // namespace control
