// What a kind brings to the list in rules.cpp: one function for each thing that data cannot say, null where there is
// nothing to say. Also the few words that rules are written in.
#pragma once

#include <string_view>
#include <utility>

#include "base/time.h"
#include "kinds/causes.h"
#include "kinds/rules.h"
#include "object/json.h"
#include "object/schema.h"

namespace kinds {

using object::child;
using object::list;
using object::Ref;

/// How metadata.name is checked (facts: names by kind).
enum class NameRule : std::uint8_t { subdomain, label, label_1035, path_segment, ip_address, service };

/// How what a status write may not change is kept.
enum class StatusMeta : std::uint8_t {
    as_given,     ///< labels, annotations and finalizers may travel with a status
    keep_labels,  ///< labels stay, the rest may travel
    keep_all,     ///< only status (and managedFields) is taken
};

/// What an update is checked for beside metadata, and in which order.
enum class UpdateOrder : std::uint8_t {
    change_first,  ///< what may not change, then the object as a new one, metadata included
    spec_first,    ///< the object but for metadata as a new one, then what may not change
    whole_first,   ///< the object as a new one, metadata included, then what may not change
    change_only,   ///< only the change: its check does the rest itself
    change_last,   ///< metadata as a new one's, then the change: its check does the rest itself
};

struct UpdateCheck {
    Ref updated;
    Ref live;
    std::string_view subresource;
};

struct Rule {
    std::string_view group;
    std::string_view kind;
    void (*set_defaults)(json::object& object) = nullptr;
    void (*prepare_create)(json::object& object) = nullptr;
    void (*prepare_update)(json::object& updated, const json::object& live) = nullptr;
    void (*prepare_status)(json::object& updated, const json::object& live) = nullptr;
    void (*validate_create)(Checks& checks, Ref object) = nullptr;
    void (*validate_update)(Checks& checks, const UpdateCheck& update) = nullptr;
    void (*validate_status)(Checks& checks, const UpdateCheck& update) = nullptr;
    json::array (*cells)(Ref object, base::Time now) = nullptr;
    NameRule name = NameRule::subdomain;
    StatusMeta status_meta = StatusMeta::as_given;
    std::string_view version;  ///< "" for every version
    UpdateOrder update_order = UpdateOrder::change_first;
};

/// The rule of that kind; null when it has none (custom resources, reviews).
const Rule* find_rule(const object::Kind& kind);

/// Absent and null count as unset: for fields where a zero says something.
bool unset(const json::object& object, std::string_view key);
/// Absent, null, "", 0, false and empty lists and maps count as unset: for fields whose zero says nothing.
bool zero(const json::object& object, std::string_view key);
/// Writes a default where the field is unset.
template <class T>
void fill(json::object& object, std::string_view key, T&& value) {
    if (unset(object, key)) object[key] = std::forward<T>(value);
}
/// Writes a default where the field is unset or has its type's zero value.
template <class T>
void fill_zero(json::object& object, std::string_view key, T&& value) {
    if (zero(object, key)) object[key] = std::forward<T>(value);
}
/// The object under `key` when there is one.
json::object* find_object(json::object& parent, std::string_view key);
/// The list under `key` when there is one.
json::array* find_list(json::object& parent, std::string_view key);
/// What an empty value of that message looks like on the wire: fields that are always written, with zero values.
json::object empty_of(const object::Message& message);

}  // namespace kinds
