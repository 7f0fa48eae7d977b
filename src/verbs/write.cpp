// Create and update: decode -> defaults -> ownership -> admission -> what the server owns -> validation -> store,
// in upstream's order, since that decides who owns which field.
#include <fmt/format.h>

#include <algorithm>

#include "kinds/convert.h"
#include "kinds/registry.h"
#include "kinds/rules.h"
#include "kinds/warnings.h"
#include "object/decode.h"
#include "verbs/admission.h"
#include "verbs/errors.h"
#include "verbs/metadata.h"
#include "verbs/stored_api.h"

namespace verbs {

using base::Code;
using base::Result;
using object::Kind;
using object::Ref;

namespace {

/// Kinds that a PUT to a missing name creates.
bool created_by_update(const Kind& kind) {
    static constexpr std::string_view names[] = {"Service",     "Endpoints",   "Event",
                                                 "Lease",       "LimitRange",  "Role",
                                                 "RoleBinding", "ClusterRole", "ClusterRoleBinding"};
    return std::ranges::find(names, kind.kind) != std::end(names);
}

/// Kinds whose PUT must say which revision it changes.
bool needs_revision(const Kind& kind) { return kind.kind == "Lease"; }

/// Upstream says the resource where a Kind is said elsewhere.
Error revision_missing(const Kind& kind, std::string_view name) {
    auto error = invalid(
        kind, name,
        {{"FieldValueInvalid", "Invalid value: 0x0: must be specified for an update", "metadata.resourceVersion"}});
    auto said = *error.details;
    said.kind = kind.plural;
    return {error.code, std::move(error.message), std::move(said)};
}

/// Takes a member out, to be put back: what this path does not own must not count as written by its manager.
json::value take(json::object& object, std::string_view key) {
    auto* found = object.if_contains(key);
    if (!found) return nullptr;
    auto value = std::move(*found);
    object.erase(key);
    return value;
}

void put_back(json::object& object, std::string_view key, json::value value) {
    if (!value.is_null()) object[key] = std::move(value);
}

/// Equality that looks at the last members first: there stands the status, which is what changes most.
bool same(const json::object& a, const json::object& b) {
    if (a.size() != b.size()) return false;
    for (auto at = a.end(); at != a.begin();) {
        --at;
        const auto* other = b.if_contains(at->key());
        if (!other || *other != at->value()) return false;
    }
    return true;
}

}  // namespace

bool is_core(const Kind& kind, std::string_view name) { return kind.group.empty() && kind.kind == name; }

bool may_go(const Kind& kind, const json::object& object) {
    const Ref meta = Ref(object)["metadata"];
    if (!meta["deletionTimestamp"] || meta["finalizers"].size() > 0) return false;
    if (is_core(kind, "Namespace")) return Ref(object)["spec"]["finalizers"].size() == 0;
    return meta["deletionGracePeriodSeconds"].num() == 0;
}

store::Key key_of(const Target& target) {
    const Kind& kind = kinds::stored_as(*target.kind);
    return {{std::string(kind.group), std::string(kind.plural)}, target.ns, target.name};
}

std::unique_ptr<Api> make_api(store::Store& store, const run::Clock& clock, base::Rng rng, Settings settings) {
    return std::make_unique<StoredApi>(store, clock, rng, settings);
}

StoredApi::StoredApi(store::Store& store, const run::Clock& clock, base::Rng rng, const Settings& settings)
    : store_(store),
      clock_(clock),
      rng_(rng),
      addresses_(settings.service_cidr, settings.node_port_min, settings.node_port_max) {
    for (const auto& service : store_.list({"", "services"})) addresses_.hold(service->value());
}

ObjectPtr StoredApi::find(const Target& target) const {
    auto object = store_.get(key_of(target));
    return object ? kinds::as_kind(*target.kind, object) : object;
}

json::object StoredApi::to_store(const Kind& kind, json::object object) {
    const Kind& stored = kinds::stored_as(kind);
    if (&stored == &kind) return object;
    return in_order(stored, kinds::converted(stored, std::move(object)));
}

Result<ObjectPtr> StoredApi::get(const Target& target) const {
    auto object = find(target);
    if (!object) return std::unexpected(not_found(*target.kind, target.name));
    return object;
}

object::Manager StoredApi::manager(const Target& target, const WriteOptions& options) const {
    return {options.field_manager, target.kind->api_version(), options.subresource, clock_.now()};
}

Result<StoredApi::Draft> StoredApi::shaped(const Target& target, json::object body, const WriteOptions& options) const {
    auto shaped = TRY(object::shape(*target.kind->message, std::move(body), object::Gated::keep));
    Draft draft{.object = std::move(shaped.object), .warnings = {}};
    if (options.validation == FieldValidation::ignore) return draft;
    draft.warnings = options.decode_warnings;
    for (const auto& path : shaped.unknown) draft.warnings.push_back(fmt::format("unknown field \"{}\"", path));
    if (options.validation == FieldValidation::strict && !draft.warnings.empty())
        return base::fail(Code::bad_request,
                          fmt::format("{0} in version \"{1}\" cannot be handled as a {0}: strict decoding error: {2}",
                                      target.kind->kind, target.kind->version, fmt::join(draft.warnings, ", ")));
    return draft;
}

Result<std::vector<base::Cause>> StoredApi::allocate(const Kind& kind, json::object& object, const json::object* live) {
    if (!is_core(kind, "Service")) return std::vector<base::Cause>{};
    return addresses_.allocate(object, live, rng_);
}

void StoredApi::note_services(const Kind& kind, const json::object* before, const json::object* after) {
    if (!is_core(kind, "Service")) return;
    if (before) addresses_.release(*before);
    if (after) addresses_.hold(*after);
}

Result<Written> StoredApi::create(const Target& target, json::object body, const WriteOptions& options) {
    auto draft = TRY(shaped(target, std::move(body), options));
    return insert(target, std::move(draft), options);
}

Result<Written> StoredApi::insert(const Target& target, Draft draft, const WriteOptions& options) {
    const Kind& kind = *target.kind;
    auto& object = draft.object;
    TRY(admit_new_metadata(target, object));
    if (kind.has_subresource("status") && !kinds::keeps_status_on_create(kind)) object.erase("status");
    kinds::set_defaults(kind, object);
    if (draft.tracking == Tracking::track) {
        auto status = kind.has_subresource("status") ? take(object, "status") : nullptr;
        object::track_update(*kind.message, nullptr, object, manager(target, options));
        put_back(object, "status", std::move(status));
    }
    object::drop_gated(*kind.message, object);  // after ownership: upstream's managers own what the gate then drops
    stamp_new_metadata(kind, object, rng_, clock_.now());
    TRY(admit_create(store_, target, object, rng_));
    kinds::prepare_create(kind, object);
    auto causes = kinds::validate_create(kind, object);
    const auto name = std::string(Ref(object)["metadata"]["name"].str());
    Target named = target;
    named.name = name;
    const auto key = key_of(named);
    if (causes.empty() && store_.get(key)) return std::unexpected(already_exists(kind, name));
    if (causes.empty()) causes = TRY(allocate(kind, object, nullptr));
    if (!causes.empty()) return std::unexpected(invalid(kind, name, std::move(causes)));
    for (auto& warning : kinds::warnings(kind, object, nullptr)) draft.warnings.push_back(std::move(warning));
    kinds::set_defaults(kind, object);  // upstream reads it back with defaults, of what was derived too
    object = in_order(kind, std::move(object));
    if (options.dry_run == DryRun::all) {
        object::child(object, "metadata").stable_erase("resourceVersion");
        return Written{std::make_shared<const object::Object>(std::move(object)), true, std::move(draft.warnings)};
    }
    auto stored = TRY(store_.create(key, to_store(kind, std::move(object))));
    note_services(kind, nullptr, &stored->value());
    return Written{std::move(stored), true, std::move(draft.warnings)};
}

Result<Written> StoredApi::update(const Target& target, json::object body, const WriteOptions& options) {
    const Kind& kind = *target.kind;
    const auto live = find(target);
    if (!live && (!options.subresource.empty() || !created_by_update(kind)))
        return std::unexpected(not_found(kind, target.name));
    if (live && options.subresource == "binding") return bind(target, live, body, options);
    auto draft = TRY(shaped(target, std::move(body), options));
    if (!live) {
        object::child(draft.object, "metadata").erase("resourceVersion");
        return insert(target, std::move(draft), options);
    }
    const Ref said = Ref(draft.object)["metadata"];
    TRY(check_uid(target, said, *live));
    if (needs_revision(kind) && said["resourceVersion"].str().empty())
        return std::unexpected(revision_missing(kind, target.name));
    if (options.subresource == "finalize") return finalize(target, live, draft.object, options);
    return replace(target, live, std::move(draft), options);
}

Result<Written> StoredApi::replace(const Target& target, const ObjectPtr& live, Draft draft,
                                   const WriteOptions& options) {
    const Kind& kind = *target.kind;
    auto& object = draft.object;
    const auto& before = live->value();
    TRY(admit_updated_metadata(target, object, *live));
    kinds::set_defaults(kind, object);
    const bool main = options.subresource.empty() || options.subresource == "scale";
    const std::string_view path = main ? std::string_view{} : options.subresource;
    const bool late = path == "resize";  // who writes there owns also what is then put back
    if (main && kind.has_subresource("status")) {
        object.erase("status");
        if (const auto* status = before.if_contains("status")) object["status"] = *status;
    } else if (!main && !late) {
        kinds::prepare_update(kind, object, before, path);
    }
    if (draft.tracking == Tracking::track)
        object::track_update(*kind.message, &before, object, manager(target, options));
    object::drop_gated(*kind.message, object);
    if (main || late) kinds::prepare_update(kind, object, before, path);
    auto causes = kinds::validate_update(kind, object, before, path);
    if (causes.empty() && main) causes = TRY(allocate(kind, object, &before));
    if (!causes.empty()) return std::unexpected(invalid(kind, target.name, std::move(causes)));
    // A status write may carry annotations (a Deployment's revision): it never counts as a new wish.
    if (path != "status" && kind.has_generation && kinds::generation_changes(kind, object, before))
        raise_generation(object, before);
    if (main)
        for (auto& warning : kinds::warnings(kind, object, &before)) draft.warnings.push_back(std::move(warning));
    return commit(target, live, std::move(object), std::move(draft.warnings), options);
}

Result<Written> StoredApi::commit(const Target& target, const ObjectPtr& live, json::object object,
                                  std::vector<std::string> warnings, const WriteOptions& options) {
    const Kind& kind = *target.kind;
    object::child(object, "metadata")["resourceVersion"] = live->meta()["resourceVersion"].str();
    object = in_order(kind, std::move(object));
    if (same(object, live->value())) return Written{live, false, std::move(warnings)};
    if (options.dry_run == DryRun::all)
        return Written{std::make_shared<const object::Object>(std::move(object)), false, std::move(warnings)};
    const auto key = key_of(target);
    if (live->deleting() && may_go(kind, object)) {
        // The last finalizer went: the caller sees its own last state, watchers the one that stood until now.
        const auto removed = TRY(store_.remove(key, live->revision()));
        note_services(kind, &live->value(), nullptr);
        object::child(object, "metadata")["resourceVersion"] = std::to_string(removed->revision());
        return Written{std::make_shared<const object::Object>(std::move(object)), false, std::move(warnings)};
    }
    auto stored = TRY(store_.update(key, to_store(kind, std::move(object)), live->revision()));
    note_services(kind, &live->value(), &stored->value());
    return Written{std::move(stored), false, std::move(warnings)};
}

Result<Written> StoredApi::bind(const Target& target, const ObjectPtr& live, const json::object& body,
                                const WriteOptions& options) {
    const auto node = Ref(body)["spec"]["nodeName"].str(Ref(body)["target"]["name"].str());
    if (node.empty())
        return std::unexpected(
            invalid(*target.kind, target.name, {{"FieldValueRequired", "Required value", "target.name"}}));
    const auto bound = (*live)["spec"]["nodeName"].str();
    if (live->deleting() || !bound.empty())
        return std::unexpected(failed_precondition(
            *target.kind, target.name,
            live->deleting() ? fmt::format("pod {} is being deleted, cannot be assigned to a host", target.name)
                             : fmt::format("pod {} is already assigned to node \"{}\"", target.name, bound)));
    auto object = live->value();
    auto& meta = object::child(object, "metadata");
    object::child(object, "spec")["nodeName"] = node;
    for (const auto* map : {"annotations", "labels"})
        for (const auto& [key, value] : Ref(body)["metadata"][map].members())
            if (live->meta()[map][key].str() != Ref(value).str()) object::child(meta, map)[key] = value;
    auto& conditions = object::list(object::child(object, "status"), "conditions");
    const auto stale = std::remove_if(conditions.begin(), conditions.end(),
                                      [](const json::value& c) { return Ref(c)["type"].str() == "PodScheduled"; });
    conditions.erase(stale, conditions.end());
    conditions.push_back({{"type", "PodScheduled"},
                          {"status", "True"},
                          {"observedGeneration", Ref(meta)["generation"].num()},
                          {"lastProbeTime", nullptr},
                          {"lastTransitionTime", base::rfc3339(clock_.now())}});
    object::track_update(*target.kind->message, &live->value(), object, manager(target, options));
    return commit(target, live, std::move(object), {}, options);
}

Result<Written> StoredApi::finalize(const Target& target, const ObjectPtr& live, const json::object& body,
                                    const WriteOptions& options) {
    auto wanted = body;
    TRY(admit_updated_metadata(target, wanted, *live));
    auto object = live->value();
    auto& spec = object::child(object, "spec");
    spec.erase("finalizers");
    if (const auto* finalizers = Ref(body)["spec"]["finalizers"].value()) spec["finalizers"] = *finalizers;
    return commit(target, live, std::move(object), {}, options);
}

}  // namespace verbs
