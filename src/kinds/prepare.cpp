// What the server owns of an object, before a create or an update is stored. Rule: the main path never changes status,
// the status path nothing but status (and, by kind, some metadata).
#include "kinds/prepare.h"

#include <algorithm>
#include <array>

#include "object/decode.h"

namespace kinds {

static const object::Message* status_message(const object::Kind& kind) {
    const auto* field = kind.message ? kind.message->find("status") : nullptr;
    return field ? field->message : nullptr;
}

bool keeps_status_on_create(const object::Kind& kind) { return kind.group.empty() && kind.kind == "Node"; }

/// Storage by protobuf knows no empty lists: where a list is always written, an empty one comes back as null. What
/// upstream stores as JSON comes back as it was.
static void forget_empty_lists(const object::Kind& kind, json::object& object) {
    const bool stored_as_json = kind.group == "apiextensions.k8s.io" || kind.group == "apiregistration.k8s.io";
    if (kind.message && !stored_as_json) object::fill_always(*kind.message, object);
}

void prepare_create(const object::Kind& kind, json::object& object) {
    forget_empty_lists(kind, object);
    const auto* rule = find_rule(kind);
    if (kind.has_subresource("status") && !keeps_status_on_create(kind)) {
        object.erase("status");
        if (const auto* message = status_message(kind)) object["status"] = empty_of(*message);
    }
    if (rule && rule->prepare_create) rule->prepare_create(object);
}

static void keep(json::object& updated, const json::object& live, std::string_view key) {
    if (const auto* value = live.if_contains(key))
        updated[key] = *value;
    else
        updated.erase(key);
}

/// Everything as it stands, but for what is named.
static json::object live_with(const json::object& live, const json::object& updated, std::string_view key) {
    json::object out = live;
    keep(out, updated, key);
    return out;
}

/// What is replaced is not copied first: statuses are what is written most.
static void prepare_status(const Rule* rule, json::object& updated, const json::object& live) {
    const auto how = rule ? rule->status_meta : StatusMeta::keep_all;
    auto& metadata = child(updated, "metadata");
    const auto& live_metadata = Ref(live)["metadata"].members();
    if (how == StatusMeta::keep_labels) keep(metadata, live_metadata, "labels");
    if (how == StatusMeta::keep_all) {
        static constexpr std::array kept{"labels",          "annotations", "finalizers",
                                         "ownerReferences", "generation",  "deletionTimestamp"};
        for (const auto* key : kept) keep(metadata, live_metadata, key);
    }
    json::object result;
    result.reserve(live.size() + 1);
    for (const auto& [key, value] : live) {
        if (key == "status") continue;
        if (key == "metadata")
            result.emplace(key, std::move(metadata));
        else
            result.emplace(key, value);
    }
    if (auto* status = updated.if_contains("status")) result["status"] = std::move(*status);
    updated = std::move(result);
    if (rule && rule->prepare_status) rule->prepare_status(updated, live);
}

static bool is_kind(const object::Kind& kind, std::string_view group, std::string_view name) {
    return kind.group == group && kind.kind == name;
}

static void prepare_main(const object::Kind& kind, const Rule* rule, json::object& updated, const json::object& live) {
    forget_empty_lists(kind, updated);
    if (kind.has_subresource("status")) keep(updated, live, "status");
    if (is_kind(kind, "", "Namespace")) keep(child(updated, "spec"), Ref(live)["spec"].members(), "finalizers");
    if (rule && rule->prepare_update) rule->prepare_update(updated, live);
}

void prepare_update(const object::Kind& kind, json::object& updated, const json::object& live,
                    std::string_view subresource) {
    const auto* rule = find_rule(kind);
    if (subresource.empty()) return prepare_main(kind, rule, updated, live);
    if (subresource == "status") return prepare_status(rule, updated, live);
    if (subresource == "finalize") return keep(updated, live, "status");
    if (subresource == "ephemeralcontainers" || subresource == "resize")
        return prepare_pod_part(updated, live, subresource);
    if (subresource == "approval") {
        // Approving writes conditions; the certificate is the signer's.
        auto result = live_with(live, updated, "metadata");
        keep(child(result, "status"), Ref(updated)["status"].members(), "conditions");
        updated = std::move(result);
    }
}

static bool says_desire(std::string_view key) {
    return key != "metadata" && key != "status" && key != "apiVersion" && key != "kind";
}

/// Equal but for metadata and status.
static bool same_desire(const json::object& a, const json::object& b) {
    const auto members = [](const json::object& object) {
        return std::ranges::count_if(object, [](const auto& member) { return says_desire(member.key()); });
    };
    if (members(a) != members(b)) return false;
    return std::ranges::all_of(a, [&](const auto& member) {
        if (!says_desire(member.key())) return true;
        const auto* other = b.if_contains(member.key());
        return other && *other == member.value();
    });
}

static bool same_metadata(const json::object& a, const json::object& b, std::string_view key) {
    return Ref(a)["metadata"][key].members() == Ref(b)["metadata"][key].members();
}

bool generation_changes(const object::Kind& kind, const json::object& updated, const json::object& live) {
    if (!kind.has_generation) return false;
    if (is_kind(kind, "apps", "Deployment") && !same_metadata(updated, live, "annotations")) return true;
    if (is_kind(kind, "discovery.k8s.io", "EndpointSlice") && !same_metadata(updated, live, "labels")) return true;
    return !same_desire(updated, live);
}

}  // namespace kinds
