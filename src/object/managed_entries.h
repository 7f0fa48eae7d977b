// metadata.managedFields as values: read, told apart, bounded in number, sorted and written.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "object/field_set.h"
#include "object/json.h"
#include "object/managed.h"

namespace object {

enum class Operation : std::uint8_t { apply, update };

/// One entry: what one manager owns by one kind of write.
struct Owner {
    std::string manager;
    Operation operation = Operation::update;
    std::string api_version;
    std::string subresource;
    std::string time;  ///< RFC 3339, "" when unknown
    FieldSet fields;

    /// Same manager, operation and subresource; updates are told apart by API version too, applies are not.
    bool same_as(const Owner& other) const;
    bool operator==(const Owner&) const = default;
};
using Owners = std::vector<Owner>;

Owner owner_of(const Manager& manager, Operation operation);

/// Nothing when an entry cannot be read: its operation, version, type or fields are not as the API has them.
std::optional<Owners> read_owners(Ref managed_fields);
/// True for [] and [{}], by which a client asks to clear all ownership.
bool clears_owners(const json::value* managed_fields);
Owner* find_owner(Owners& owners, const Owner& like);
/// Drops entries without fields, merges the oldest updaters above ten into "ancient-changes", and sorts.
void tidy_owners(Owners& owners);
json::array write_owners(const Owners& owners);
/// Sets or (when there are none) removes metadata.managedFields.
void store_owners(json::object& object, const Owners& owners);
/// The same but for times?
bool same_but_times(const Owners& a, const Owners& b);

/// Takes what changed and what is gone from everybody (but the owner at `spared`, if any).
void take_places(Owners& owners, const FieldSet& changed, const FieldSet& removed, const Owner* spared);

}  // namespace object
