// Delete: preconditions, grace, finalizers. An object that something holds is only marked; whoever holds it lets go
// by a later update or delete.
#include <fmt/format.h>

#include <algorithm>

#include "verbs/errors.h"
#include "verbs/metadata.h"
#include "verbs/stored_api.h"

namespace verbs {

using base::Code;
using base::Result;
using object::Kind;
using object::Ref;

namespace {

constexpr std::string_view orphan_finalizer = "orphan";
constexpr std::string_view foreground_finalizer = "foregroundDeletion";

Result<void> check_preconditions(const Target& target, const object::Object& live, const DeleteOptions& options) {
    // Here upstream's details name the Kind, not the resource.
    const auto refuse = [&](std::string what) -> Result<void> {
        return base::fail(
            Code::conflict,
            fmt::format("Operation cannot be fulfilled on {} \"{}\": {}", target.kind->kind, target.name, what),
            {.name = target.name, .group = std::string(target.kind->group), .kind = std::string(target.kind->kind)});
    };
    if (!options.precondition_uid.empty() && options.precondition_uid != live.uid())
        return refuse(fmt::format("Precondition failed: UID in precondition: {}, UID in object meta: {}",
                                  options.precondition_uid, live.uid()));
    const auto version = live.meta()["resourceVersion"].str();
    if (!options.precondition_version.empty() && options.precondition_version != version)
        return refuse(
            fmt::format("Precondition failed: ResourceVersion in precondition: {}, ResourceVersion in object meta: {}",
                        options.precondition_version, version));
    return {};
}

/// Seconds that the object may still live.
std::int64_t grace_of(const Kind& kind, const object::Object& live, const DeleteOptions& options) {
    if (!is_core(kind, "Pod")) return 0;
    const auto phase = live["status"]["phase"].str();
    if (live["spec"]["nodeName"].str().empty() || phase == "Succeeded" || phase == "Failed") return 0;
    const auto grace = options.grace_s.value_or(live["spec"]["terminationGracePeriodSeconds"].num(30));
    return grace < 0 ? 1 : grace;
}

Propagation default_propagation(const Kind& kind) {
    const bool orphans = (kind.group == "batch" && kind.kind == "Job") || is_core(kind, "ReplicationController");
    return orphans ? Propagation::orphan : Propagation::background;
}

void set_finalizer(json::object& meta, std::string_view name, bool present) {
    auto& finalizers = object::list(meta, "finalizers");
    const auto at = std::ranges::find_if(finalizers, [&](const json::value& f) { return Ref(f).str() == name; });
    if (present && at == finalizers.end()) finalizers.push_back(json::value(name));
    if (!present && at != finalizers.end()) finalizers.erase(at);
    if (finalizers.empty()) meta.erase("finalizers");
}

/// The propagation policy becomes a finalizer that the garbage collector works off.
void set_propagation(const Kind& kind, json::object& meta, Propagation asked) {
    auto wanted = asked;
    if (asked == Propagation::by_default) {
        for (const auto& finalizer : Ref(meta)["finalizers"].items())
            if (Ref(finalizer).str() == orphan_finalizer || Ref(finalizer).str() == foreground_finalizer) return;
        wanted = default_propagation(kind);
    }
    set_finalizer(meta, orphan_finalizer, wanted == Propagation::orphan);
    set_finalizer(meta, foreground_finalizer, wanted == Propagation::foreground);
}

void set_deletion(json::object& object, base::Time at, std::int64_t grace) {
    auto& meta = object::child(object, "metadata");
    meta["deletionTimestamp"] = base::rfc3339(at);
    meta["deletionGracePeriodSeconds"] = grace;
}

/// A repeated delete may only shorten the grace that is left.
void shorten(json::object& object, std::int64_t grace) {
    const Ref meta = Ref(object)["metadata"];
    const auto old_grace = meta["deletionGracePeriodSeconds"].num();
    const auto until = base::parse_rfc3339(meta["deletionTimestamp"].str());
    if (!until || grace >= old_grace) return;
    set_deletion(object, *until - std::chrono::seconds(old_grace - grace), grace);
}

bool is_protected(const Kind& kind, std::string_view name) {
    return is_core(kind, "Namespace") && (name == "default" || name == "kube-system" || name == "kube-public");
}

}  // namespace

Result<Deleted> StoredApi::remove(const Target& target, const DeleteOptions& options, const Caller&) {
    const Kind& kind = *target.kind;
    const auto live = store_.get(key_of(target));
    if (!live) return std::unexpected(not_found(kind, target.name));
    if (is_protected(kind, target.name))
        return std::unexpected(forbidden(kind, target.name, "this namespace may not be deleted"));
    TRY(check_preconditions(target, *live, options));

    auto marked = live->value();
    const auto grace = grace_of(kind, *live, options);
    set_propagation(kind, object::child(marked, "metadata"), options.propagation);
    if (live->deleting()) {
        shorten(marked, grace);
    } else {
        set_deletion(marked, clock_.now() + std::chrono::seconds(grace), grace);
        if (is_core(kind, "Namespace")) {
            object::child(marked, "metadata").erase("deletionGracePeriodSeconds");
            object::child(marked, "status")["phase"] = "Terminating";
        }
        if (Ref(marked)["metadata"]["generation"]) raise_generation(marked, live->value());
    }
    return mark(target, live, std::move(marked), options.dry_run);
}

Result<Deleted> StoredApi::mark(const Target& target, const ObjectPtr& live, json::object marked, DryRun dry_run) {
    const Kind& kind = *target.kind;
    const auto key = key_of(target);
    const bool gone = may_go(kind, marked);
    if (dry_run == DryRun::all || (!gone && marked == live->value()))
        return Deleted{
            dry_run == DryRun::all ? std::make_shared<const object::Object>(std::move(marked)) : live, gone, {}};
    if (!gone) return Deleted{TRY(store_.update(key, std::move(marked), live->revision())), false, {}};
    // Kinds that know grace (pods) show the marks of their deletion before they go, even one without grace.
    auto last = live;
    if (is_core(kind, "Pod") && marked != live->value())
        last = TRY(store_.update(key, std::move(marked), live->revision()));
    auto removed = TRY(store_.remove(key, last->revision()));
    note_services(kind, &live->value(), nullptr);
    return Deleted{std::move(removed), true, {}};
}

}  // namespace verbs
