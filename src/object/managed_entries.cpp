#include "object/managed_entries.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace object {

namespace {

constexpr std::size_t updaters_max = 10;
constexpr std::string_view ancient = "ancient-changes";

std::optional<Owner> read_owner(const json::value& entry) {
    const Ref from(entry);
    Owner owner;
    const auto operation = from["operation"].str();
    if (operation == "Apply") {
        owner.operation = Operation::apply;
    } else if (operation != "Update") {
        return std::nullopt;
    }
    owner.manager = from["manager"].str();
    owner.api_version = from["apiVersion"].str();
    owner.subresource = from["subresource"].str();
    if (owner.api_version.empty() || from["fieldsType"].str() != "FieldsV1") return std::nullopt;
    if (const auto time = base::parse_rfc3339(from["time"].str())) owner.time = base::rfc3339(*time);
    if (from["fieldsV1"]) {
        auto fields = FieldSet::from_json(*from["fieldsV1"].value());
        if (!fields) return std::nullopt;
        owner.fields = std::move(*fields);
    }
    return owner;
}

/// Age decides which updaters are merged away; those without a time are the oldest.
auto age(const Owner& owner) { return std::tie(owner.time, owner.manager, owner.api_version, owner.subresource); }

void cap_updaters(Owners& owners) {
    std::vector<Owner> updaters;
    for (auto& owner : owners) {
        if (owner.operation == Operation::update) updaters.push_back(std::move(owner));
    }
    std::erase_if(owners, [](const Owner& owner) { return owner.operation == Operation::update; });
    std::ranges::sort(updaters, [](const Owner& a, const Owner& b) { return age(a) < age(b); });

    auto count = updaters.size();
    std::map<std::string, Owner> buckets;  // by API version; a bucket of one is that owner itself
    std::size_t next = 0;
    for (; next < updaters.size() && count > updaters_max; ++next) {
        auto& oldest = updaters[next];
        const auto [bucket, first] = buckets.try_emplace(oldest.api_version, oldest);
        if (first) continue;
        bucket->second.manager = ancient;
        bucket->second.subresource.clear();
        bucket->second.fields.unite(oldest.fields);
        bucket->second.time = oldest.time;
        --count;
    }
    for (auto& [version, owner] : buckets) owners.push_back(std::move(owner));
    for (; next < updaters.size(); ++next) owners.push_back(std::move(updaters[next]));
}

}  // namespace

bool Owner::same_as(const Owner& other) const {
    return manager == other.manager && operation == other.operation && subresource == other.subresource &&
           (operation == Operation::apply || api_version == other.api_version);
}

Owner owner_of(const Manager& manager, Operation operation) {
    return {.manager = manager.name.empty() ? "unknown" : manager.name,
            .operation = operation,
            .api_version = manager.api_version,
            .subresource = manager.subresource,
            .time = base::rfc3339(manager.time),
            .fields = {}};
}

std::optional<Owners> read_owners(Ref managed_fields) {
    Owners owners;
    for (const auto& entry : managed_fields.items()) {
        auto owner = read_owner(entry);
        if (!owner) return std::nullopt;
        if (auto* same = find_owner(owners, *owner)) {
            *same = std::move(*owner);
        } else {
            owners.push_back(std::move(*owner));
        }
    }
    return owners;
}

bool clears_owners(const json::value* managed_fields) {
    const auto* list = managed_fields ? managed_fields->if_array() : nullptr;
    if (!list) return false;
    if (list->empty()) return true;
    if (list->size() > 1) return false;
    // Clients and canonical forms may write the entry's empty members out.
    const auto blank = [](const auto& member) {
        const auto& value = member.value();
        return value.is_null() || (value.is_string() && value.get_string().empty());
    };
    return (*list)[0].is_object() && std::ranges::all_of((*list)[0].get_object(), blank);
}

Owner* find_owner(Owners& owners, const Owner& like) {
    const auto found = std::ranges::find_if(owners, [&](const Owner& owner) { return owner.same_as(like); });
    return found == owners.end() ? nullptr : &*found;
}

void tidy_owners(Owners& owners) {
    std::erase_if(owners, [](const Owner& owner) { return owner.fields.empty(); });
    const auto updaters = std::ranges::count(owners, Operation::update, &Owner::operation);
    if (static_cast<std::size_t>(updaters) > updaters_max) cap_updaters(owners);
    std::ranges::sort(owners, [](const Owner& a, const Owner& b) {
        return std::tie(a.operation, a.time, a.manager, a.api_version, a.subresource) <
               std::tie(b.operation, b.time, b.manager, b.api_version, b.subresource);
    });
}

json::array write_owners(const Owners& owners) {
    json::array out;
    out.reserve(owners.size());
    for (const auto& owner : owners) {
        json::object entry;
        entry["manager"] = owner.manager;
        entry["operation"] = owner.operation == Operation::apply ? "Apply" : "Update";
        entry["apiVersion"] = owner.api_version;
        if (!owner.time.empty()) entry["time"] = owner.time;
        entry["fieldsType"] = "FieldsV1";
        entry["fieldsV1"] = owner.fields.to_json();
        if (!owner.subresource.empty()) entry["subresource"] = owner.subresource;
        out.push_back(std::move(entry));
    }
    return out;
}

void store_owners(json::object& object, const Owners& owners) {
    if (!owners.empty()) {
        child(object, "metadata")["managedFields"] = write_owners(owners);
    } else if (auto* meta = object.if_contains("metadata"); meta && meta->is_object()) {
        meta->get_object().stable_erase("managedFields");
    }
}

bool same_but_times(const Owners& a, const Owners& b) {
    if (a.size() != b.size()) return false;
    // Order follows times, so it may differ where nothing else does.
    return std::ranges::all_of(a, [&](const Owner& owner) {
        const auto same = std::ranges::find_if(b, [&](const Owner& other) { return other.same_as(owner); });
        return same != b.end() && same->api_version == owner.api_version && same->fields == owner.fields;
    });
}

void take_places(Owners& owners, const FieldSet& changed, const FieldSet& removed, const Owner* spared) {
    for (auto& owner : owners) {
        if (&owner == spared) continue;
        owner.fields.subtract(changed);
        owner.fields.subtract(removed);
    }
}

}  // namespace object
