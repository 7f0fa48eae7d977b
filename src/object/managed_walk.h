// Objects seen through their schema, as ownership sees them: which places are leaves, which are walked into, and how
// list items are named. The rules are those of upstream's structured merge (atomic, set and map lists; granular and
// atomic maps and structs; untyped values are maps down to atomic lists).
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "object/field_set.h"
#include "object/json.h"
#include "object/schema.h"

namespace object {

enum class Nature : std::uint8_t { leaf, structure, map, list };

/// The type of one place: of a field, of an item of a list or map field, or (no field) of a message or untyped value.
class Spot {
 public:
    explicit Spot(const Message& message) : message_(&message), form_(Nature::structure), untyped_(false) {}
    /// Untyped: maps are walked into, all else is a leaf.
    Spot() = default;
    static Spot of(const Field& field);

    /// How `value` is treated here (only untyped places depend on it).
    Nature form(const json::value* value) const;
    /// The place under a member; a member that the schema does not know is untyped.
    Spot member(std::string_view name) const;
    /// True when `name` is a field of this struct (and not a key of a map).
    bool knows(std::string_view name) const { return message_ && message_->find(name); }
    Spot item() const;
    /// True for a struct, whose members are the schema's alone.
    bool structure() const { return !untyped_ && form_ == Nature::structure; }
    /// False where the schema says nothing.
    bool typed() const { return !untyped_; }

    /// The FieldsV1 text of a list item after "k:" or "v:". Fails when a key is missing that has no default.
    base::Result<std::string> item_text(const json::value& item) const;
    char item_kind() const { return list_type_ == ListType::set ? 'v' : 'k'; }

 private:
    static Spot single(const Field& field);

    const Message* message_ = nullptr;
    const Field* field_ = nullptr;  ///< of a list or map: whose items item() describes
    Nature form_ = Nature::leaf;
    bool untyped_ = true;
    ListType list_type_ = ListType::atomic;
};

/// What differs between two objects: `changed` is added or has another value, `removed` is gone.
struct Difference {
    FieldSet changed;
    FieldSet removed;
    bool empty() const { return changed.empty() && removed.empty(); }
};
Difference compare_places(const Spot& spot, const json::value* before, const json::value* after);
/// Of whole objects: what is never owned (names, versions, times, managedFields) is left out.
Difference compare_objects(const Message& message, const json::object& before, const json::object& after);

/// The places that a configuration names. Where duplicates are refused, so are fields that the schema does not know:
/// what is applied must be exact.
enum class Duplicates : std::uint8_t { refused, allowed };
base::Result<FieldSet> named_places(const Spot& spot, const json::value& value, Duplicates duplicates);
/// Takes out of a set of a whole object what is never owned.
void strip_unowned(FieldSet& set);

/// What a new object of that message is before anything is set: structs are there and empty, lists that are always
/// written are null.
json::object zero_object(const Message& message);

}  // namespace object
