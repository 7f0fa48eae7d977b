// Strategic merge patch: a merge patch that knows the schema. Lists with a merge key merge item by item, lists of
// scalars unite, and directives ($patch, $setElementOrder, $retainKeys, $deleteFromPrimitiveList) say what else to do.
// Directives are never in the result. Order: what the patch names comes in the patch's order, what is live only keeps
// its place before the first patched item that it preceded.
#include <fmt/format.h>

#include <algorithm>

#include "object/managed_walk.h"
#include "object/patch.h"

namespace object {

namespace {

constexpr std::string_view directive = "$patch";
constexpr std::string_view retain_keys = "$retainKeys";
constexpr std::string_view order_prefix = "$setElementOrder/";
constexpr std::string_view removal_prefix = "$deleteFromPrimitiveList/";

std::unexpected<base::Error> refuse(std::string message) {
    return base::fail(base::Code::bad_request, std::move(message));
}

/// Where in the schema a value stands, as far as strategic merge cares: whose fields its members are.
const Message* message_below(const Message* message, std::string_view name) {
    const auto* field = message ? message->find(name) : nullptr;
    return field && field->type == Type::message ? field->message : nullptr;
}

/// A value that nothing live meets: without nulls and directives.
json::value plain(const json::value& value) {
    if (const auto* object = value.if_object()) {
        json::object out;
        for (const auto& [key, member] : *object) {
            const std::string_view name = key;
            if (member.is_null() || name == directive || name == retain_keys || name.starts_with(order_prefix) ||
                name.starts_with(removal_prefix)) {
                continue;
            }
            out[name] = plain(member);
        }
        return out;
    }
    if (const auto* array = value.if_array()) {
        json::array out;
        for (const auto& item : *array) {
            if (!Ref(item)[directive]) out.push_back(plain(item));
        }
        return out;
    }
    return value;
}

/// Items of a list told apart by merge key, or scalars by their value.
class Items {
 public:
    explicit Items(std::string_view key) : key_(key) {}

    base::Result<std::string> name(const json::value& item) const {
        if (key_.empty()) return json::serialize(item);
        if (!item.is_object()) return refuse("the items of a merged list must all be objects");
        const auto* value = item.get_object().if_contains(key_);
        if (!value)
            return refuse(fmt::format("map: {} does not contain declared merge key: {}", json::serialize(item), key_));
        return json::serialize(*value);
    }
    base::Result<std::vector<std::string>> names(const json::array& items) const {
        std::vector<std::string> out;
        for (const auto& item : items) out.push_back(TRY(name(item)));
        return out;
    }

 private:
    std::string_view key_;
};

using Places = std::map<std::string, std::size_t, std::less<>>;

Places places_of(const std::vector<std::string>& names) {
    Places places;
    for (std::size_t i = 0; i < names.size(); ++i) places.try_emplace(names[i], i);
    return places;
}

/// Puts `merged` in order: items in `wanted` come in that order, the others in the order of `live` and each before the
/// first wanted item that it preceded there.
base::Result<json::array> ordered(const Items& by, json::array merged, const std::vector<std::string>& wanted,
                                  const std::vector<std::string>& live) {
    const auto places = places_of(live), order = places_of(wanted);
    const auto place = [](const Places& in, const std::string& name) {
        const auto found = in.find(name);
        return found == in.end() ? in.size() : found->second;
    };
    struct Item {
        std::string name;
        json::value value;
    };
    std::vector<Item> left, right;
    for (auto& value : merged) {
        auto name = TRY(by.name(value));
        (order.contains(name) ? right : left).push_back({std::move(name), std::move(value)});
    }
    std::ranges::stable_sort(right, {}, [&](const Item& item) { return place(order, item.name); });
    std::ranges::stable_sort(left, {}, [&](const Item& item) { return place(places, item.name); });
    json::array out;
    std::size_t l = 0, r = 0;
    while (l < left.size() || r < right.size()) {
        const bool both = l < left.size() && r < right.size();
        const bool first = both && places.contains(left[l].name) && places.contains(right[r].name) &&
                           place(places, left[l].name) < place(places, right[r].name);
        if (r == right.size() || first) {
            out.push_back(std::move(left[l++].value));
        } else {
            out.push_back(std::move(right[r++].value));
        }
    }
    return out;
}

base::Result<json::object> merge_objects(const Message* message, json::object live, const json::object& patch);

json::array united(const json::array& live, const json::array& patch) {
    json::array out;
    Places seen;
    for (const auto* items : {&live, &patch}) {
        for (const auto& item : *items) {
            if (seen.try_emplace(json::serialize(item), 0).second) out.push_back(item);
        }
    }
    return out;
}

json::array without_scalars(const json::array& live, const json::array& unwanted) {
    Places gone;
    for (const auto& item : unwanted) gone.try_emplace(json::serialize(item), 0);
    json::array out;
    for (const auto& item : live) {
        if (!gone.contains(json::serialize(item))) out.push_back(item);
    }
    return out;
}

bool holds_objects(const json::array& live, const json::array& patch) {
    const auto is_object = [](const json::value& item) { return item.is_object(); };
    return std::ranges::any_of(live, is_object) || std::ranges::any_of(patch, is_object);
}

/// A patch list split into what it merges and what its directives say about the live list.
struct Directed {
    json::array live;
    std::vector<const json::value*> items;
};

base::Result<Directed> directed(const Items& by, const json::array& live, const json::array& patch) {
    Directed out;
    bool replace = false;
    Places deleted;
    for (const auto& item : patch) {
        const auto* object = item.if_object();
        if (!object) return refuse("the items of a merged list must all be objects");
        const auto* told = object->if_contains(directive);
        if (!told) {
            out.items.push_back(&item);
        } else if (Ref(told).str() == "delete") {
            deleted.try_emplace(TRY(by.name(item)), 0);
        } else if (Ref(told).str() == "replace") {
            replace = true;
        } else {
            return refuse(fmt::format("unknown patch type: {} in a list", json::serialize(*told)));
        }
    }
    if (replace) return out;
    for (const auto& item : live) {
        if (!deleted.contains(TRY(by.name(item)))) out.live.push_back(item);
    }
    return out;
}

/// The merge of two lists of a field whose patch strategy is merge.
base::Result<json::array> merge_lists(const Field& field, const json::array& live, const json::array& patch) {
    if (!holds_objects(live, patch)) {
        const Items by("");
        return ordered(by, united(live, patch), TRY(by.names(patch)), TRY(by.names(live)));
    }
    if (field.patch_merge_key.empty())
        return refuse(fmt::format("cannot merge lists without merge key for {}", field.name));
    const Items by(field.patch_merge_key);
    auto [merged, items] = TRY(directed(by, live, patch));
    const auto live_names = TRY(by.names(merged));
    auto places = places_of(live_names);
    std::vector<std::string> wanted;
    for (const auto* item : items) {
        auto name = TRY(by.name(*item));
        const auto [at, added] = places.try_emplace(name, merged.size());
        if (added) {
            merged.push_back(plain(*item));
        } else {
            auto& found = merged[at->second];
            found = TRY(merge_objects(field.message, std::move(found.as_object()), item->get_object()));
        }
        wanted.push_back(std::move(name));
    }
    return ordered(by, std::move(merged), wanted, live_names);
}

/// Everything in the patch list must stand in the order list, in the same order.
base::Result<int> check_order(const Items& by, const json::array& patch, const std::vector<std::string>& order) {
    std::size_t at = 0;
    for (const auto& item : patch) {
        if (Ref(item)[directive]) continue;
        const auto name = TRY(by.name(item));
        while (at < order.size() && order[at] != name) ++at;
        if (at == order.size()) return refuse("the order in the patch list does not match its $setElementOrder list");
        ++at;
    }
    return 0;
}

/// The merge of one object of a patch into the live one.
class ObjectMerge {
 public:
    ObjectMerge(const Message* message, json::object live, const json::object& patch)
        : message_(message), live_(std::move(live)), patch_(patch) {}

    base::Result<json::object> run() {
        if (const auto* told = patch_.if_contains(directive)) return obey(*told);
        TRY(retain());
        for (const auto& [key, value] : patch_) {
            const std::string_view name = key;
            if (name.starts_with(removal_prefix)) TRY(remove_scalars(name.substr(removal_prefix.size()), value));
        }
        for (const auto& [key, value] : patch_) {
            const std::string_view name = key;
            if (name.starts_with(order_prefix)) TRY(merge_in_order(name.substr(order_prefix.size()), value));
        }
        for (const auto& [key, value] : patch_) {
            const std::string_view name = key;
            const bool told = name == retain_keys || name.starts_with(order_prefix) || name.starts_with(removal_prefix);
            if (!told && !done_.contains(name)) TRY(merge_member(name, value));
        }
        return std::move(live_);
    }

 private:
    base::Result<json::object> obey(const json::value& told) {
        if (Ref(told).str() == "replace") return plain(patch_).as_object();
        if (Ref(told).str() == "delete") return json::object();
        return refuse(fmt::format("unknown patch type: {}", json::serialize(told)));
    }

    base::Result<int> retain() {
        const auto* kept = patch_.if_contains(retain_keys);
        if (!kept) return 0;
        if (!kept->is_array()) return refuse("invalid patch format of retainKeys");
        Places names;
        for (const auto& name : kept->get_array()) names.try_emplace(std::string(Ref(name).str()), 0);
        for (const auto& [key, value] : patch_) {
            const std::string_view name = key;
            if (value.is_null() || name.starts_with('$')) continue;
            if (!names.contains(name)) return refuse("invalid patch format of retainKeys");
        }
        json::object left;
        for (auto& [key, value] : live_) {
            if (names.contains(std::string_view(key))) left[key] = std::move(value);
        }
        live_ = std::move(left);
        return 0;
    }

    base::Result<int> remove_scalars(std::string_view name, const json::value& unwanted) {
        if (!unwanted.is_array()) return refuse("invalid patch format of primitive list");
        auto* found = live_.if_contains(name);
        if (found && found->is_array()) *found = without_scalars(found->get_array(), unwanted.get_array());
        return 0;
    }

    base::Result<int> merge_in_order(std::string_view name, const json::value& order) {
        if (!order.is_array()) return refuse("invalid patch format of setElementOrder list");
        const auto* field = message_ ? message_->find(name) : nullptr;
        if (!field || field->shape != Shape::list) return refuse(fmt::format("no list field {} in the schema", name));
        const auto* found = live_.if_contains(name);
        const auto* change = patch_.if_contains(name);
        if (change && !change->is_array()) return 0;  // replaces whatever is there, as any member of another type
        if (found && !found->is_array()) return refuse(fmt::format("{} is not a list", name));
        const Items by(field->patch_merge_key);
        const auto wanted = TRY(by.names(order.get_array()));
        if (change) TRY(check_order(by, change->get_array(), wanted));
        if (!found && !change) return 0;
        auto merged = !change  ? found->get_array()
                      : !found ? plain(*change).as_array()
                               : TRY(merge_field_lists(*field, found->get_array(), change->get_array()));
        const auto live_names = found ? TRY(by.names(found->get_array())) : std::vector<std::string>();
        live_[name] = TRY(ordered(by, std::move(merged), wanted, live_names));
        done_.try_emplace(std::string(name), 0);
        return 0;
    }

    static base::Result<json::array> merge_field_lists(const Field& field, const json::array& live,
                                                       const json::array& patch) {
        if (!field.patch_merge) return plain(patch).as_array();
        return merge_lists(field, live, patch);
    }

    base::Result<int> merge_member(std::string_view name, const json::value& value) {
        const auto at = live_.find(name);
        if (value.is_null()) {
            if (at != live_.end()) live_.stable_erase(at);
            return 0;
        }
        if (at == live_.end() || at->value().kind() != value.kind() || !value.is_structured()) {
            live_[name] = plain(value);
            return 0;
        }
        const auto* field = message_ ? message_->find(name) : nullptr;
        if (value.is_object()) {
            auto merged = TRY(
                merge_objects(message_below(message_, name), std::move(at->value().get_object()), value.get_object()));
            live_[name] = std::move(merged);
        } else if (field) {
            live_[name] = TRY(merge_field_lists(*field, at->value().get_array(), value.get_array()));
        } else {
            live_[name] = plain(value);
        }
        return 0;
    }

    const Message* message_;
    json::object live_;
    const json::object& patch_;
    Places done_;  ///< lists that their order directive already merged
};

base::Result<json::object> merge_objects(const Message* message, json::object live, const json::object& patch) {
    return ObjectMerge(message, std::move(live), patch).run();
}

}  // namespace

base::Result<json::object> strategic_merge(const Message& message, json::object live, const json::object& patch) {
    return merge_objects(&message, std::move(live), patch);
}

}  // namespace object
