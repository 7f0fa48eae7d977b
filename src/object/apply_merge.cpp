#include "object/apply_merge.h"

#include <fmt/format.h>

#include <map>

namespace object {

namespace {

/// A list's items by name. An item whose name comes twice has no value of its own to merge with.
struct Named {
    std::vector<std::string> names;
    std::map<std::string, const json::value*, std::less<>> first;

    bool has(const std::string& name) const { return first.contains(name); }
    const json::value* get(const std::string& name) const {
        const auto found = first.find(name);
        return found == first.end() ? nullptr : found->second;
    }
};

base::Result<Named> name_items(const Spot& spot, const json::array& items, Duplicates duplicates) {
    Named named;
    named.names.reserve(items.size());
    for (const auto& item : items) {
        auto name = TRY(spot.item_text(item));
        const auto [at, added] = named.first.try_emplace(name, &item);
        if (!added && duplicates == Duplicates::refused) {
            return base::fail(base::Code::bad_request, fmt::format("duplicate entries for key {}", name));
        }
        if (!added) at->second = nullptr;
        named.names.push_back(std::move(name));
    }
    return named;
}

bool hollow(const json::value* value) {
    return !value || value->is_null() || (value->is_object() && value->get_object().empty()) ||
           (value->is_array() && value->get_array().empty());
}

base::Result<json::value> merge_pair(const Spot& spot, const json::value* live, const json::value* config);

/// The merge of two lists: both are read in step, so that the configuration's order rules among shared items and what
/// is live only stays where it was between them.
class ListMerge {
 public:
    ListMerge(const Spot& spot, const json::array& live, const json::array& config)
        : item_(spot.item()), spot_(spot), live_(live), config_(config) {}

    base::Result<json::value> run() {
        left_ = TRY(name_items(spot_, live_, Duplicates::allowed));
        right_ = TRY(name_items(spot_, config_, Duplicates::refused));
        for (const auto& name : right_.names) {
            if (left_.has(name)) shared_.push_back(&name);
        }
        std::size_t l = 0, r = 0;
        while (l < left_.names.size() || r < right_.names.size()) TRY(step(l, r));
        if (out_.empty()) return json::value(nullptr);
        return json::value(std::move(out_));
    }

 private:
    const std::string* wanted() const { return next_ < shared_.size() ? shared_[next_] : nullptr; }

    base::Result<int> step(std::size_t& l, std::size_t& r) {
        if (l < left_.names.size() && r < right_.names.size()) {
            const auto& name = left_.names[l];
            if (name == right_.names[r]) {
                TRY(take(name));
                ++l, ++r, ++next_;
                return 0;
            }
            if (right_.has(name) && wanted() && *wanted() != name) {
                ++l;  // shared, but its turn comes later
                return 0;
            }
        }
        if (l < left_.names.size()) {
            const auto& name = left_.names[l];
            if (!right_.has(name)) {
                out_.push_back(live_[l]);
                ++l;
                return 0;
            }
            if (merged_.contains(name)) ++l;
        }
        if (r < right_.names.size()) {
            const auto& name = right_.names[r];
            TRY(take(name));
            ++r;
            if (wanted() && *wanted() == name) ++next_;
        }
        return 0;
    }

    base::Result<int> take(const std::string& name) {
        merged_.emplace(name, 0);
        out_.push_back(TRY(merge_pair(item_, left_.get(name), right_.get(name))));
        return 0;
    }

    Spot item_;
    const Spot& spot_;
    const json::array& live_;
    const json::array& config_;
    Named left_, right_;
    std::vector<const std::string*> shared_;
    std::size_t next_ = 0;
    std::map<std::string_view, int> merged_;
    json::array out_;
};

base::Result<json::value> merge_members(const Spot& spot, const json::object& live, const json::object& config) {
    json::object out;
    out.reserve(live.size() + config.size());
    for (const auto& [key, value] : live) {
        const std::string_view name = key;
        out[name] = TRY(merge_pair(spot.member(name), &value, config.if_contains(name)));
    }
    for (const auto& [key, value] : config) {
        if (!live.contains(key)) out[key] = value;
    }
    return json::value(std::move(out));
}

base::Result<json::value> merge_pair(const Spot& spot, const json::value* live, const json::value* config) {
    if (!config) return *live;
    if (!live) return *config;
    const auto form = spot.form(config->is_null() ? live : config);
    if (form == Nature::leaf || (hollow(live) && hollow(config))) return *config;
    if (form == Nature::list) return ListMerge(spot, Ref(live).items(), Ref(config).items()).run();
    return merge_members(spot, Ref(live).members(), Ref(config).members());
}

json::value without_items(const Spot& spot, const json::array& items, const FieldSet& gone) {
    json::array out;
    const auto item_spot = spot.item();
    for (const auto& item : items) {
        const auto name = spot.item_text(item);
        const auto* below = name ? gone.below(fmt::format("{}:{}", spot.item_kind(), *name)) : nullptr;
        if (!below) {
            out.push_back(item);
        } else if (!below->member()) {
            out.push_back(without_places(item_spot, item, *below));
        }
    }
    if (out.empty()) return nullptr;
    return out;
}

}  // namespace

base::Result<json::value> merge_places(const Spot& spot, const json::value& live, const json::value& config) {
    return merge_pair(spot, &live, &config);
}

json::value without_places(const Spot& spot, const json::value& value, const FieldSet& gone) {
    const auto form = spot.form(&value);
    if (form == Nature::leaf) return value.is_structured() ? json::value(nullptr) : value;
    if (hollow(&value)) return nullptr;
    if (form == Nature::list) {
        return value.is_array() ? without_items(spot, value.get_array(), gone) : json::value(nullptr);
    }
    if (!value.is_object()) return nullptr;
    json::object out;
    out.reserve(value.get_object().size());
    for (const auto& [key, member] : value.get_object()) {
        const std::string_view name = key;
        const auto* below = gone.below(fmt::format("f:{}", name));
        if (!below) {
            out[name] = member;
        } else if (!below->member()) {
            out[name] = without_places(spot.member(name), member, *below);
        }
    }
    if (out.empty()) return nullptr;
    return out;
}

FieldSet with_named_fields(const Spot& spot, const FieldSet& set) {
    FieldSet out;
    out.set_member(set.member());
    for (const auto& [step, below] : set.children()) {
        const auto name = std::string_view(step).substr(2);
        const bool field = step[0] == 'f';
        auto& grown = out.grow(step);
        grown = with_named_fields(field ? spot.member(name) : spot.item(), below);
        if (field && spot.knows(name)) grown.set_member(true);
    }
    return out;
}

}  // namespace object
