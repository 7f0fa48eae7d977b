#include "object/field_set.h"

#include <fmt/format.h>

namespace object {

namespace {

/// A scalar as Go's %v and %q show it in a path.
std::string shown(const json::value& value) { return json::serialize(value); }

std::string shown_step(std::string_view step) {
    const auto kind = step.empty() ? 'f' : step[0];
    const auto text = step.size() > 2 ? step.substr(2) : std::string_view();
    if (kind == 'f') return fmt::format(".{}", text);
    if (kind == 'v') return fmt::format("[={}]", text);
    if (kind == 'i') return fmt::format("[{}]", text);
    boost::system::error_code broken;
    const auto keys = json::parse(json::string_view(text.data(), text.size()), broken);
    if (broken || !keys.is_object()) return fmt::format("[{}]", text);
    std::string out = "[";
    for (const auto& [name, value] : keys.get_object()) {
        if (out.size() > 1) out += ',';
        out += fmt::format("{}={}", std::string_view(name), shown(value));
    }
    return out + "]";
}

bool valid_step(std::string_view step) {
    if (step.size() < 2 || step[1] != ':') return false;
    switch (step[0]) {
        case 'f':
            return true;
        case 'i':
            return step.size() > 2 && step.find_first_not_of("-0123456789", 2) == std::string_view::npos;
        case 'k':
        case 'v': {
            boost::system::error_code broken;
            const auto value = json::parse(json::string_view(step.data() + 2, step.size() - 2), broken);
            return !broken && (step[0] == 'v' || value.is_object());
        }
        default:
            return false;
    }
}

}  // namespace

std::optional<FieldSet> FieldSet::from_json(const json::value& fields_v1) {
    const auto* object = fields_v1.if_object();
    if (!object) return std::nullopt;
    FieldSet set;
    for (const auto& [key, value] : *object) {
        const std::string_view step = key;
        if (step == ".") {
            set.member_ = true;
            continue;
        }
        if (!valid_step(step)) return std::nullopt;
        auto below = from_json(value);
        if (!below) return std::nullopt;
        if (below->empty()) below->member_ = true;
        set.children_.insert_or_assign(std::string(step), std::move(*below));
    }
    return set;
}

json::object FieldSet::to_json() const {
    json::object out;
    out.reserve(children_.size() + 1);
    if (member_ && !children_.empty()) out["."] = json::object();
    for (const auto& [step, below] : children_) out[step] = below.to_json();
    return out;
}

const FieldSet* FieldSet::below(std::string_view step) const {
    const auto found = children_.find(step);
    return found == children_.end() ? nullptr : &found->second;
}

bool FieldSet::has(std::string_view step) const {
    const auto* set = below(step);
    return set && set->member_;
}

FieldSet& FieldSet::grow(std::string_view step) {
    const auto found = children_.find(step);
    return found != children_.end() ? found->second : children_.emplace(std::string(step), FieldSet()).first->second;
}

void FieldSet::insert(const Step* last) {
    std::vector<const Step*> steps;
    for (const auto* s = last; s; s = s->up) steps.push_back(s);
    auto* set = this;
    std::string name;
    for (auto s = steps.rbegin(); s != steps.rend(); ++s) {
        name.assign(1, (*s)->kind);
        name += ':';
        name += (*s)->text;
        set = &set->grow(name);
    }
    set->member_ = true;
}

void FieldSet::unite(const FieldSet& other) {
    member_ = member_ || other.member_;
    for (const auto& [step, below] : other.children_) {
        const auto [at, added] = children_.try_emplace(step, below);
        if (!added) at->second.unite(below);
    }
}

void FieldSet::subtract(const FieldSet& other) {
    if (other.member_) member_ = false;
    for (const auto& [step, below] : other.children_) {
        const auto at = children_.find(step);
        if (at == children_.end()) continue;
        at->second.subtract(below);
        if (at->second.empty()) children_.erase(at);
    }
}

FieldSet FieldSet::intersection(const FieldSet& other) const {
    FieldSet out;
    out.member_ = member_ && other.member_;
    for (const auto& [step, below] : children_) {
        const auto* theirs = other.below(step);
        if (!theirs) continue;
        auto both = below.intersection(*theirs);
        if (!both.empty()) out.children_.emplace(step, std::move(both));
    }
    return out;
}

void FieldSet::drop(std::string_view step) {
    if (const auto at = children_.find(step); at != children_.end()) children_.erase(at);
}

void FieldSet::each_path(const std::function<void(const std::string&)>& call) const {
    std::string path;
    each_path_below(path, call);
}

void FieldSet::each_path_below(std::string& path, const std::function<void(const std::string&)>& call) const {
    if (member_ && !path.empty()) call(path);
    const auto size = path.size();
    for (const auto& [step, below] : children_) {
        path += shown_step(step);
        below.each_path_below(path, call);
        path.resize(size);
    }
}

}  // namespace object
