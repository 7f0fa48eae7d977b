#include "verbs/metadata.h"

#include <fmt/format.h>

#include <algorithm>

#include "verbs/errors.h"

namespace verbs {

using base::Code;
using base::Result;
using object::Kind;
using object::Ref;

namespace {

/// Generated names are cut so that the suffix fits into 63 characters.
constexpr std::size_t generated_prefix_max = 58;

Result<void> check_namespace(const Target& target, json::object& meta) {
    const auto said = Ref(meta)["namespace"].str();
    if (target.kind->namespaced() && (said.empty() || said == target.ns)) {
        meta["namespace"] = target.ns;
        return {};
    }
    if (!target.kind->namespaced() && said.empty()) {
        meta.erase("namespace");
        return {};
    }
    return base::fail(Code::bad_request,
                      "the namespace of the provided object does not match the namespace sent on the request");
}

void keep(json::object& meta, Ref live, std::string_view key) {
    if (const auto* value = live[key].value())
        meta[key] = *value;
    else
        meta.erase(key);
}

}  // namespace

Result<void> admit_new_metadata(const Target& target, json::object& object) {
    auto& meta = object::child(object, "metadata");
    TRY(check_namespace(target, meta));
    const auto name = Ref(meta)["name"].str();
    if (!target.name.empty() && name != target.name)
        return base::fail(
            Code::bad_request,
            fmt::format("the name of the object ({}) does not match the name on the URL ({})", name, target.name));
    if (!Ref(meta)["resourceVersion"].str().empty())
        return base::fail(Code::unspecified, "resourceVersion should not be set on objects to be created");
    for (const auto* key :
         {"uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "resourceVersion"})
        meta.erase(key);
    return {};
}

void stamp_new_metadata(const Kind& kind, json::object& object, base::Rng& rng, base::Time now) {
    auto& meta = object::child(object, "metadata");
    meta["uid"] = base::uuid(rng);
    meta["creationTimestamp"] = base::rfc3339(now);
    if (kind.has_generation) meta["generation"] = 1;
    const auto prefix = Ref(meta)["generateName"].str();
    if (Ref(meta)["name"].str().empty() && !prefix.empty())
        meta["name"] = std::string(prefix.substr(0, generated_prefix_max)) + base::name_suffix(rng);
}

Result<void> admit_updated_metadata(const Target& target, json::object& object, const object::Object& live) {
    auto& meta = object::child(object, "metadata");
    TRY(check_namespace(target, meta));
    const auto name = Ref(meta)["name"].str();
    if (name.empty()) return base::fail(Code::bad_request, "name must be provided");
    if (name != target.name)
        return base::fail(
            Code::bad_request,
            fmt::format("the name of the object ({}) does not match the name on the URL ({})", name, target.name));
    const auto version = Ref(meta)["resourceVersion"].str();
    if (version.find_first_not_of("0123456789") != version.npos)
        return base::fail(Code::unspecified,
                          fmt::format("resourceVersion \"{}\" is no revision: it must be a decimal number", version));
    if (!version.empty() && version != "0" && version != live.meta()["resourceVersion"].str())
        return std::unexpected(conflict(*target.kind, target.name));
    for (const auto* key : {"creationTimestamp", "generation", "resourceVersion"}) keep(meta, live.meta(), key);
    // What says nothing stays; what says something else is for validation to refuse.
    for (const auto* key : {"uid", "deletionGracePeriodSeconds"})
        if (!Ref(meta)[key]) keep(meta, live.meta(), key);
    if (live.deleting() || !Ref(meta)["deletionTimestamp"]) keep(meta, live.meta(), "deletionTimestamp");
    meta.erase("selfLink");
    return {};
}

Result<void> check_uid(const Target& target, Ref meta, const object::Object& live) {
    const auto uid = meta["uid"].str();
    if (uid.empty() || uid == live.uid()) return {};
    return std::unexpected(failed_precondition(
        *target.kind, target.name,
        fmt::format("Precondition failed: UID in precondition: {}, UID in object meta: {}", uid, live.uid())));
}

namespace {

/// ObjectMeta's fields as upstream writes them; resourceVersion has its place before the store fills it in.
json::object metadata_in_order(json::object& meta) {
    static constexpr std::string_view order[] = {"name",
                                                 "generateName",
                                                 "namespace",
                                                 "uid",
                                                 "resourceVersion",
                                                 "generation",
                                                 "creationTimestamp",
                                                 "deletionTimestamp",
                                                 "deletionGracePeriodSeconds",
                                                 "labels",
                                                 "annotations",
                                                 "ownerReferences",
                                                 "finalizers",
                                                 "managedFields"};
    json::object ordered;
    ordered.reserve(meta.size() + 1);
    for (const auto name : order) {
        if (auto* value = meta.if_contains(name))
            ordered.emplace(name, std::move(*value));
        else if (name == "resourceVersion")
            ordered.emplace(name, "");
    }
    return ordered;
}

}  // namespace

json::object in_order(const Kind& kind, json::object object) {
    json::object ordered;
    ordered.reserve(object.size() + 2);
    ordered["kind"] = kind.kind;
    ordered["apiVersion"] = kind.api_version();
    ordered["metadata"] = metadata_in_order(object::child(object, "metadata"));
    for (auto& [key, value] : object)
        if (key != "kind" && key != "apiVersion" && key != "metadata") ordered.emplace(key, std::move(value));
    return ordered;
}

void raise_generation(json::object& object, const json::object& live) {
    object::child(object, "metadata")["generation"] = Ref(live)["metadata"]["generation"].num() + 1;
}

}  // namespace verbs
