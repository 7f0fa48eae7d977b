// Garbage collection by owner. Rule: an object whose owners are all gone goes; an owner that is to go in the foreground
// waits for the dependents that block it, one that orphans lets them off first. Found through an index, never by scan.
#include <algorithm>

#include "control/controllers.h"
#include "control/workload.h"
#include "kinds/registry.h"

namespace control {

namespace {

constexpr std::string_view orphan = "orphan";
constexpr std::string_view foreground = "foregroundDeletion";

bool has_finalizer(const Object& object, std::string_view name) {
    return std::ranges::any_of(object.meta()["finalizers"].items(),
                               [&](const json::value& one) { return Ref(one).str() == name; });
}

json::object without_finalizer(const Object& object, std::string_view name) {
    auto copy = object.value();
    auto& meta = object::child(copy, "metadata");
    auto& list = object::list(meta, "finalizers");
    erase_items(list, [&](const json::value& one) { return Ref(one).str() == name; });
    if (list.empty()) meta.erase("finalizers");
    return copy;
}

enum class Standing : std::uint8_t { solid, waiting, gone };

/// An owner of a kind that is not served counts as solid: nothing is removed on a guess.
Standing standing_of(Ref reference, const Object& dependent, const engine::View& view) {
    const auto* kind = kinds::by_kind(reference["apiVersion"].str(), reference["kind"].str());
    if (!kind || (kind->namespaced() && dependent.ns().empty())) return Standing::solid;
    const auto owner = view.get({{std::string(kind->group), std::string(kind->plural)},
                                 kind->namespaced() ? std::string(dependent.ns()) : std::string(),
                                 std::string(reference["name"].str())});
    if (!owner || owner->uid() != reference["uid"].str()) return Standing::gone;
    return owner->deleting() && has_finalizer(*owner, foreground) ? Standing::waiting : Standing::solid;
}

void remove(Plan& plan, const Pass& pass, verbs::Propagation propagation) {
    plan.remove({.resource = pass.key.resource,
                 .ns = pass.key.ns,
                 .name = pass.key.name,
                 .options = {.propagation = propagation,
                             .precondition_uid = std::string(pass.object->uid()),
                             .precondition_version = std::string(pass.object->meta()["resourceVersion"].str())}});
}

void collect(Plan& plan, const Pass& pass) {
    const auto& object = *pass.object;
    std::vector<std::string_view> lost;
    bool solid = false, waiting = false;
    for (const auto& reference : object.meta()["ownerReferences"].items()) {
        const auto standing = standing_of(Ref(reference), object, pass.view);
        if (standing == Standing::solid) {
            solid = true;
            continue;
        }
        lost.push_back(Ref(reference)["uid"].str());
        waiting |= standing == Standing::waiting;
    }
    if (lost.empty()) return;
    if (solid) {
        auto copy = object.value();
        auto& meta = object::child(copy, "metadata");
        erase_items(object::list(meta, "ownerReferences"), [&](const json::value& one) {
            return std::ranges::find(lost, Ref(one)["uid"].str()) != lost.end();
        });
        return plan.update(pass.key.resource, std::move(copy));
    }
    if (object.deleting()) return;
    if (waiting && !pass.view.dependents(object.uid()).empty())
        return remove(plan, pass, verbs::Propagation::foreground);
    if (has_finalizer(object, orphan)) return remove(plan, pass, verbs::Propagation::orphan);
    if (has_finalizer(object, foreground)) return remove(plan, pass, verbs::Propagation::foreground);
    remove(plan, pass, verbs::Propagation::background);
}

/// Dependents are let off, then the owner.
void let_off(Plan& plan, const Pass& pass) {
    for (const auto& [key, dependent] : pass.view.dependents(pass.object->uid()))
        plan.update(key.resource, released(*dependent, pass.object->uid()));
    plan.update(pass.key.resource, without_finalizer(*pass.object, orphan));
}

bool blocks(const Object& dependent, std::string_view owner) {
    return std::ranges::any_of(dependent.meta()["ownerReferences"].items(), [&](const json::value& one) {
        return Ref(one)["uid"].str() == owner && Ref(one)["blockOwnerDeletion"].flag();
    });
}

Result<Plan> reconcile(const Pass& pass) {
    Plan plan;
    if (!pass.object) return plan;
    const auto& object = *pass.object;
    if (object.deleting() && has_finalizer(object, orphan)) {
        let_off(plan, pass);
        return plan;
    }
    if (object.deleting() && has_finalizer(object, foreground)) {
        // The dependents are woken with their owner and go by themselves.
        const auto dependents = pass.view.dependents(object.uid());
        if (std::ranges::none_of(dependents, [&](const auto& one) { return blocks(*one.second, object.uid()); }))
            plan.update(pass.key.resource, without_finalizer(object, foreground));
        return plan;
    }
    collect(plan, pass);
    return plan;
}

void wake_owners(const Object& dependent, const store::Event& event, engine::Keys& keys) {
    for (const auto& reference : dependent.meta()["ownerReferences"].items()) {
        const auto* kind = kinds::by_kind(Ref(reference)["apiVersion"].str(), Ref(reference)["kind"].str());
        if (kind)
            keys.push_back({{std::string(kind->group), std::string(kind->plural)},
                            kind->namespaced() ? event.key.ns : std::string(),
                            std::string(Ref(reference)["name"].str())});
    }
}

void wake(const store::Event& event, const engine::View& view, engine::Keys& keys) {
    const auto& object = *event.object;
    const auto dependents = [&] {
        for (auto& [key, dependent] : view.dependents(object.uid())) keys.push_back(key);
    };
    if (event.type == store::EventType::deleted) {
        dependents();
        wake_owners(object, event, keys);
        return;
    }
    const auto owners = object.meta()["ownerReferences"];
    const bool owners_changed = !event.previous || event.previous->meta()["ownerReferences"].items() != owners.items();
    if (owners.size() > 0 && owners_changed) keys.push_back(event.key);
    if (event.previous && owners_changed) wake_owners(*event.previous, event, keys);
    if (!object.deleting()) return;
    if (has_finalizer(object, orphan)) keys.push_back(event.key);
    if (has_finalizer(object, foreground)) {
        keys.push_back(event.key);
        if (!event.previous || !event.previous->deleting() || !has_finalizer(*event.previous, foreground)) dependents();
    }
}

}  // namespace

engine::Controller garbage_collector() {
    return {.name = "garbage-collector", .watches = {{{}, wake}}, .reconcile = reconcile};
}

}  // namespace control
