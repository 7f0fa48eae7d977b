#include "object/managed.h"

#include "object/managed_entries.h"
#include "object/managed_walk.h"

namespace object {

namespace {

Ref entries_of(const json::object* object) { return object ? Ref(*object)["metadata"]["managedFields"] : Ref(); }

/// Does the write bring a list of entries other than the live one? Only the main path may.
bool brings_owners(const json::object* live, const json::object& updated, const Manager& manager) {
    const auto given = entries_of(&updated);
    if (!manager.subresource.empty() || given.missing()) return false;
    const auto had = entries_of(live);
    return had.missing() || *given.value() != *had.value();
}

/// Who owned what before this write: what it brings when that can be read (as a backup being restored does), else
/// the live entries.
Owners owners_before(const json::object* live, const json::object& updated, bool brought) {
    const auto given = entries_of(&updated);
    if (brought && clears_owners(given.value())) return {};
    if (brought) {
        if (auto owners = read_owners(given); owners && !owners->empty()) return *owners;
    }
    return read_owners(entries_of(live)).value_or(Owners());
}

void keep_entries(const json::object& live, json::object& updated) {
    const auto had = entries_of(&live);
    if (!had.missing()) {
        auto& entries = child(updated, "metadata")["managedFields"];
        if (entries != *had.value()) entries = *had.value();
    } else if (!entries_of(&updated).missing()) {
        child(updated, "metadata").stable_erase("managedFields");
    }
}

}  // namespace

void track_update(const Message& message, const json::object* live, json::object& updated, const Manager& manager) {
    const auto difference =
        live ? compare_objects(message, *live, updated) : compare_objects(message, zero_object(message), updated);
    const bool brought = brings_owners(live, updated, manager);
    if (live && !brought && difference.empty()) return keep_entries(*live, updated);

    auto owners = owners_before(live, updated, brought);
    // Once cleared, ownership is not tracked again until somebody applies.
    if (live && owners.empty()) return store_owners(updated, owners);
    take_places(owners, difference.changed, difference.removed, nullptr);
    if (!difference.changed.empty()) {
        auto self = owner_of(manager, Operation::update);
        if (auto* known = find_owner(owners, self)) {
            known->fields.unite(difference.changed);
            known->time = self.time;
        } else {
            self.fields = difference.changed;
            owners.push_back(std::move(self));
        }
    }
    tidy_owners(owners);
    store_owners(updated, owners);
}

}  // namespace object
