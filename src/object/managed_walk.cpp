#include "object/managed_walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace object {

namespace {

constexpr std::array unowned_meta = {"name",
                                     "namespace",
                                     "creationTimestamp",
                                     "selfLink",
                                     "uid",
                                     "clusterName",
                                     "generation",
                                     "managedFields",
                                     "resourceVersion",
                                     "deletionTimestamp",
                                     "deletionGracePeriodSeconds"};

bool is_unowned_meta(std::string_view name) { return std::ranges::find(unowned_meta, name) != unowned_meta.end(); }

bool scalar(const Field& field) { return field.type != Type::message && field.shape == Shape::single; }

/// The value a list key has when an item leaves it out: upstream's OpenAPI defaults. Null when it has none.
json::value key_default(const Field& field) {
    if (!field.default_json.empty()) {
        boost::system::error_code broken;
        auto value = json::parse(json::string_view(field.default_json.data(), field.default_json.size()), broken);
        return broken ? json::value(nullptr) : value;
    }
    if (field.presence != Presence::always || !scalar(field)) return nullptr;
    switch (field.type) {
        case Type::string:
            return "";
        case Type::int32:
        case Type::int64:
            return 0;
        case Type::boolean:
            return false;
        default:
            return nullptr;
    }
}

bool empty_or_null(const json::value* value) {
    if (!value || value->is_null()) return true;
    if (const auto* o = value->if_object()) return o->empty();
    const auto* a = value->if_array();
    return a && a->empty();
}

}  // namespace

Spot Spot::single(const Field& field) {
    Spot spot;
    switch (field.type) {
        case Type::message:
            spot.untyped_ = false;
            spot.message_ = field.message;
            spot.form_ = !field.message || (field.message->atomic && !field.granular) || field.atomic_map
                             ? Nature::leaf
                             : Nature::structure;
            return spot;
        case Type::any:
            return spot;
        default:
            spot.untyped_ = false;
            return spot;
    }
}

Spot Spot::of(const Field& field) {
    if (field.shape == Shape::single) return single(field);
    Spot spot;
    spot.untyped_ = false;
    spot.field_ = &field;
    spot.list_type_ = field.list_type;
    if (field.shape == Shape::map) {
        spot.form_ = field.atomic_map ? Nature::leaf : Nature::map;
    } else {
        spot.form_ = field.list_type == ListType::atomic ? Nature::leaf : Nature::list;
    }
    return spot;
}

Nature Spot::form(const json::value* value) const {
    if (!untyped_) return form_;
    return value && value->is_object() ? Nature::map : Nature::leaf;
}

Spot Spot::member(std::string_view name) const {
    if (untyped_) return {};
    if (message_) {
        const auto* field = message_->find(name);
        return field ? of(*field) : Spot();
    }
    return item();
}

Spot Spot::item() const { return field_ ? single(*field_) : Spot(); }

base::Result<std::string> Spot::item_text(const json::value& item) const {
    if (list_type_ == ListType::set) {
        if (item.is_structured() || item.is_null()) {
            return base::fail(base::Code::bad_request, "a list that is a set may hold scalars only");
        }
        return json::serialize(item);
    }
    const auto* object = item.if_object();
    if (!object) return base::fail(base::Code::bad_request, "a list with keys may hold objects only");
    std::vector<std::string_view> keys(field_->list_keys.begin(), field_->list_keys.end());
    std::ranges::sort(keys);
    std::string text = "{";
    for (const auto key : keys) {
        const auto* value = object->if_contains(key);
        json::value otherwise;
        if (!value) {
            const auto* field = field_->message ? field_->message->find(key) : nullptr;
            if (field) otherwise = key_default(*field);
            if (otherwise.is_null()) {
                return base::fail(base::Code::bad_request,
                                  fmt::format("an item of the list {} lacks its key {:?}", field_->name, key));
            }
            value = &otherwise;
        }
        if (text.size() > 1) text += ',';
        text += json::serialize(json::string_view(key.data(), key.size()));
        text += ':';
        text += json::serialize(*value);
    }
    return text + "}";
}

namespace {

/// Walks two values at once and notes where they differ, as upstream's compare walker does.
class Comparer {
 public:
    Difference difference;

    void run(const Spot& spot, const Step* at, const json::value* before, const json::value* after) {
        const auto form_before = spot.form(before), form_after = spot.form(after);
        if (before && after && form_before != form_after) {
            descend(form_before, spot, at, before, nullptr);
            descend(form_after, spot, at, nullptr, after);
            difference.changed.insert(at);
            return;
        }
        descend(before ? form_before : form_after, spot, at, before, after);
    }

    void members(const Spot& spot, const Step* at, const json::object& before, const json::object& after) {
        for (const auto& [name, value] : before) {
            const std::string_view text = name;
            const Step step{at, 'f', text};
            run(spot.member(text), &step, &value, after.if_contains(text));
        }
        for (const auto& [name, value] : after) {
            const std::string_view text = name;
            if (before.if_contains(text)) continue;
            const Step step{at, 'f', text};
            run(spot.member(text), &step, nullptr, &value);
        }
    }

 private:
    void leaf(const Step* at, const json::value* before, const json::value* after) {
        if (!before) {
            difference.changed.insert(at);
        } else if (!after) {
            difference.removed.insert(at);
        } else if (*before != *after) {
            difference.changed.insert(at);
        }
    }

    void descend(Nature form, const Spot& spot, const Step* at, const json::value* before, const json::value* after) {
        if (form == Nature::leaf || (empty_or_null(before) && empty_or_null(after))) return leaf(at, before, after);
        if (form == Nature::list) {
            items(spot, at, Ref(before).items(), Ref(after).items());
        } else {
            members(spot, at, Ref(before).members(), Ref(after).members());
        }
        if (!before) difference.changed.insert(at);
        if (!after) difference.removed.insert(at);
    }

    struct Sides {
        std::vector<const json::value*> before, after;
    };

    void items(const Spot& spot, const Step* at, const json::array& before, const json::array& after) {
        if (before == after) return;
        std::map<std::string, Sides, std::less<>> named;
        for (const auto& item : before) {
            if (auto text = spot.item_text(item)) named[std::move(*text)].before.push_back(&item);
        }
        for (const auto& item : after) {
            if (auto text = spot.item_text(item)) named[std::move(*text)].after.push_back(&item);
        }
        const auto item_spot = spot.item();
        for (const auto& [text, sides] : named) {
            const Step step{at, spot.item_kind(), text};
            one_item(item_spot, &step, sides);
        }
    }

    /// Items of one name; more than one on a side are compared as a whole.
    void one_item(const Spot& spot, const Step* at, const Sides& sides) {
        const auto& [before, after] = sides;
        const auto* first = before.empty() ? nullptr : before[0];
        const auto* second = after.empty() ? nullptr : after[0];
        if (before.size() <= 1 && after.size() <= 1) return run(spot, at, first, second);
        if (before.size() >= 2 && after.size() >= 2) {
            const auto same = [](const auto* a, const auto* b) { return *a == *b; };
            if (!std::ranges::equal(before, after, same)) difference.changed.insert(at);
        } else if (before.size() >= 2) {
            if (second) run(spot, at, nullptr, second);
            difference.removed.insert(at);
        } else {
            if (first) run(spot, at, first, nullptr);
            difference.changed.insert(at);
        }
    }
};

}  // namespace

Difference compare_places(const Spot& spot, const json::value* before, const json::value* after) {
    Comparer comparer;
    comparer.run(spot, nullptr, before, after);
    return std::move(comparer.difference);
}

Difference compare_objects(const Message& message, const json::object& before, const json::object& after) {
    Comparer comparer;
    const Spot root(message);
    const auto compare_member = [&](std::string_view name) {
        const Step step{nullptr, 'f', name};
        const auto* a = before.if_contains(name);
        const auto* b = after.if_contains(name);
        if (name != "metadata") return comparer.run(root.member(name), &step, a, b);
        const auto meta = root.member(name);
        const auto one = [&](std::string_view key) {
            if (is_unowned_meta(key)) return;
            const Step inner{&step, 'f', key};
            comparer.run(meta.member(key), &inner, Ref(a)[key].value(), Ref(b)[key].value());
        };
        for (const auto& [key, value] : Ref(a).members()) one(key);
        for (const auto& [key, value] : Ref(b).members()) {
            if (!Ref(a).members().contains(key)) one(key);
        }
    };
    for (const auto& [name, value] : before) {
        if (name != "apiVersion" && name != "kind") compare_member(name);
    }
    for (const auto& [name, value] : after) {
        if (name != "apiVersion" && name != "kind" && !before.contains(name)) compare_member(name);
    }
    return std::move(comparer.difference);
}

namespace {

struct Namer {
    Duplicates duplicates;
    FieldSet set;

    base::Result<int> value(const Spot& spot, const Step* at, const json::value& value) {
        const auto form = spot.form(&value);
        if (form == Nature::leaf) {
            set.insert(at);
        } else if (form == Nature::list) {
            if (value.is_null()) return 0;
            if (!value.is_array()) return base::fail(base::Code::bad_request, shown(at) + ": must be a list");
            TRY(items(spot, at, value.get_array()));
        } else {
            if (value.is_null()) return 0;
            if (!value.is_object()) return base::fail(base::Code::bad_request, shown(at) + ": must be an object");
            TRY(members(spot, at, value.get_object()));
        }
        return 0;
    }

    base::Result<int> members(const Spot& spot, const Step* at, const json::object& object) {
        for (const auto& [key, member] : object) {
            const std::string_view name = key;
            const Step step{at, 'f', name};
            const bool header = !at && (name == "apiVersion" || name == "kind");
            if (duplicates == Duplicates::refused && spot.structure() && !spot.knows(name) && !header) {
                return base::fail(base::Code::bad_request, shown(&step) + ": field not declared in schema");
            }
            TRY(value(spot.member(name), &step, member));
            const bool hollow = member.is_null() || (member.is_object() && member.get_object().empty());
            if (hollow || !spot.knows(name)) set.insert(&step);
        }
        return 0;
    }

    base::Result<int> items(const Spot& spot, const Step* at, const json::array& array) {
        std::map<std::string, std::vector<const json::value*>, std::less<>> named;
        for (const auto& item : array) named[TRY(spot.item_text(item))].push_back(&item);
        for (const auto& [text, same] : named) {
            const Step step{at, spot.item_kind(), text};
            if (same.size() > 1 && duplicates == Duplicates::refused) {
                return base::fail(base::Code::bad_request, shown(&step) + ": given twice");
            }
            if (same.size() == 1) TRY(value(spot.item(), &step, *same[0]));
            set.insert(&step);
        }
        return 0;
    }

    static std::string shown(const Step* at) {
        FieldSet set;
        set.insert(at);
        std::string path = ".";
        set.each_path([&](const std::string& p) { path = p; });
        return path;
    }
};

}  // namespace

base::Result<FieldSet> named_places(const Spot& spot, const json::value& value, Duplicates duplicates) {
    Namer namer{duplicates, {}};
    TRY(namer.value(spot, nullptr, value));
    return std::move(namer.set);
}

void strip_unowned(FieldSet& set) {
    set.drop("f:apiVersion");
    set.drop("f:kind");
    if (!set.below("f:metadata")) return;
    auto& meta = set.grow("f:metadata");
    meta.set_member(false);
    for (const auto* name : unowned_meta) meta.drop(std::string("f:") + name);
    if (meta.empty()) set.drop("f:metadata");
}

json::object zero_object(const Message& message) {
    json::object out;
    for (const auto& field : message.fields) {
        if (field.inlined && field.message) {
            for (auto& [name, value] : zero_object(*field.message)) out[name] = std::move(value);
        } else if (field.shape == Shape::single && field.type == Type::message) {
            if (field.presence != Presence::pointer && field.message) out[field.name] = zero_object(*field.message);
        } else if (field.presence == Presence::always) {
            if (field.shape != Shape::single) {
                out[field.name] = nullptr;
            } else {
                out[field.name] = key_default(field);
            }
        }
    }
    return out;
}

}  // namespace object
