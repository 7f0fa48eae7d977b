#include "object/managed.h"

#include "object/managed_entries.h"
#include "object/managed_walk.h"

namespace object {

namespace {

/// Who owned what before this write. A main write may bring a list of its own, as a backup being restored does.
std::optional<Owners> owners_before(const json::object* live, const json::object& updated, const Manager& manager) {
    const auto of = [](const json::object* object) {
        return object ? Ref(*object)["metadata"]["managedFields"] : Ref();
    };
    const auto given = of(&updated);
    if (manager.subresource.empty()) {
        if (clears_owners(given.value())) return Owners();
        if (auto owners = read_owners(given); owners && !owners->empty()) return owners;
    }
    return read_owners(of(live)).value_or(Owners());
}

}  // namespace

void track_update(const Message& message, const json::object* live, json::object& updated, const Manager& manager) {
    auto owners = owners_before(live, updated, manager).value_or(Owners());
    // Once cleared, ownership is not tracked again until somebody applies.
    if (live && owners.empty()) return store_owners(updated, owners);

    const auto difference =
        live ? compare_objects(message, *live, updated) : compare_objects(message, zero_object(message), updated);
    if (difference.empty()) return store_owners(updated, owners);
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
