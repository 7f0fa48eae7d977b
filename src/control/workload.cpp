// Shared facts about pods and owners. Rule: nothing here decides; it only reads and copies.
#include "control/workload.h"

#include <algorithm>
#include <charconv>

namespace control {

const Resource& pods() {
    static const Resource resource{"", "pods"};
    return resource;
}
const Resource& nodes() {
    static const Resource resource{"", "nodes"};
    return resource;
}
const Resource& services() {
    static const Resource resource{"", "services"};
    return resource;
}
const Resource& replicasets() {
    static const Resource resource{"apps", "replicasets"};
    return resource;
}
const Resource& deployments() {
    static const Resource resource{"apps", "deployments"};
    return resource;
}

Ref condition(Ref object, std::string_view type) {
    for (const auto& item : object["status"]["conditions"].items())
        if (Ref(item)["type"].str() == type) return Ref(item);
    return {};
}

bool pod_ready(Ref pod) { return condition(pod, "Ready")["status"].str() == "True"; }

std::optional<Time> ready_since(Ref pod) {
    return base::parse_rfc3339(condition(pod, "Ready")["lastTransitionTime"].str());
}

bool pod_available(Ref pod, std::int64_t min_ready_s, Time now) {
    if (!pod_ready(pod)) return false;
    if (min_ready_s <= 0) return true;
    const auto since = ready_since(pod);
    return since && *since + std::chrono::seconds(min_ready_s) <= now;
}

bool pod_finished(Ref pod) {
    const auto phase = pod["status"]["phase"].str();
    return phase == "Succeeded" || phase == "Failed";
}

bool pod_active(const Object& pod) { return !pod.deleting() && !pod_finished(Ref(pod.value())); }

json::object owner_reference(const Object& owner, OwnerKind kind) {
    return {{"apiVersion", kind.api_version},
            {"kind", kind.kind},
            {"name", owner.name()},
            {"uid", owner.uid()},
            {"controller", true},
            {"blockOwnerDeletion", true}};
}

bool is_controlled_by(const Object& object, std::string_view uid) {
    return engine::controller_of(object)["uid"].str() == uid;
}

json::object adopted(const Object& object, const Object& owner, OwnerKind kind) {
    auto copy = object.value();
    auto& references = object::list(object::child(copy, "metadata"), "ownerReferences");
    erase_items(references, [&](const json::value& one) { return Ref(one)["uid"].str() == owner.uid(); });
    references.push_back(owner_reference(owner, kind));
    return copy;
}

json::object released(const Object& object, std::string_view uid) {
    auto copy = object.value();
    auto& meta = object::child(copy, "metadata");
    auto& references = object::list(meta, "ownerReferences");
    erase_items(references, [&](const json::value& one) { return Ref(one)["uid"].str() == uid; });
    if (references.empty()) meta.erase("ownerReferences");
    return copy;
}

Claims claim(const ClaimRule& rule, const std::vector<ObjectPtr>& owned, const std::vector<ObjectPtr>& matching) {
    Claims claims;
    for (const auto& object : owned) {
        if (rule.selector.matches(object->meta()["labels"]))
            claims.owned.push_back(object);
        else if (!rule.owner.deleting() && !object->deleting())
            claims.changed.push_back(released(*object, rule.owner.uid()));
    }
    if (rule.owner.deleting()) return claims;
    for (const auto& object : matching) {
        if (object->deleting() || engine::controller_of(*object)) continue;
        if (rule.selector.matches(object->meta()["labels"]))
            claims.changed.push_back(adopted(*object, rule.owner, rule.kind));
    }
    return claims;
}

json::object pod_from(Ref pod_template, const Object& owner, OwnerKind kind) {
    json::object meta{{"generateName", std::string(owner.name()) + "-"}, {"namespace", owner.ns()}};
    for (const auto* part : {"labels", "annotations", "finalizers"})
        if (const auto given = pod_template["metadata"][part]) meta[part] = *given.value();
    meta["ownerReferences"] = json::array{owner_reference(owner, kind)};
    json::object pod{{"metadata", std::move(meta)}};
    if (const auto spec = pod_template["spec"]) pod["spec"] = *spec.value();
    return pod;
}

bool older(const ObjectPtr& a, const ObjectPtr& b) {
    const auto made = [](const ObjectPtr& o) { return o->meta()["creationTimestamp"].str(); };
    return std::pair(made(a), a->name()) < std::pair(made(b), b->name());
}

std::optional<std::int64_t> annotation_number(const Object& object, std::string_view name) {
    const auto text = object.meta()["annotations"][name].str();
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

static void mix(std::uint64_t& hash, std::string_view bytes) {
    for (const unsigned char byte : bytes) hash = (hash ^ byte) * 0x100000001b3ULL;
    hash = (hash ^ 0xff) * 0x100000001b3ULL;
}

static void mix_value(std::uint64_t& hash, const json::value& value) {
    if (const auto* object = value.if_object()) {
        std::vector<std::string_view> names;
        for (const auto& [name, member] : *object) names.push_back(name);
        std::ranges::sort(names);
        mix(hash, "{");
        for (const auto name : names) {
            mix(hash, name);
            mix_value(hash, object->at(name));
        }
        mix(hash, "}");
    } else if (const auto* array = value.if_array()) {
        mix(hash, "[");
        for (const auto& item : *array) mix_value(hash, item);
        mix(hash, "]");
    } else {
        mix(hash, json::serialize(value));
    }
}

std::uint64_t stable_hash(const json::value& value) {
    std::uint64_t hash = 0xcbf29ce484222325ULL;
    mix_value(hash, value);
    return hash;
}

}  // namespace control
