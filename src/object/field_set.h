// Sets of places in an object, as managed fields name them: a trie whose steps are written as in FieldsV1
// ("f:name", "k:{...}", "v:...", "i:0"). A node that is a member owns the place itself, beside what is below it.
// No node without both exists, so two equal sets have equal tries.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "object/json.h"

namespace object {

/// One step from a place to a place inside it; steps of one path are linked upwards on the stack of whoever walks.
struct Step {
    const Step* up = nullptr;
    char kind = 'f';        ///< f: field, k: list item by keys, v: set item, i: index
    std::string_view text;  ///< what follows "f:"
};

class FieldSet {
 public:
    using Children = std::map<std::string, FieldSet, std::less<>>;

    static std::optional<FieldSet> from_json(const json::value& fields_v1);
    json::object to_json() const;

    bool empty() const { return !member_ && children_.empty(); }
    bool member() const { return member_; }
    void set_member(bool member) { member_ = member; }
    const Children& children() const { return children_; }
    /// The set below a step ("f:spec"); null when there is none.
    const FieldSet* below(std::string_view step) const;
    bool has(std::string_view step) const;

    /// Adds the place that the steps up from `last` lead to; null is the place of this set itself.
    void insert(const Step* last);
    /// The set below a step, made when missing; the caller puts something into it.
    FieldSet& grow(std::string_view step);
    void unite(const FieldSet& other);
    void subtract(const FieldSet& other);
    FieldSet intersection(const FieldSet& other) const;
    /// Takes away the whole subtree at a step.
    void drop(std::string_view step);

    /// Calls with the text of each member's path as messages show it (.spec.ports[port=80,protocol="TCP"].name).
    void each_path(const std::function<void(const std::string&)>& call) const;

    bool operator==(const FieldSet&) const = default;

 private:
    void each_path_below(std::string& path, const std::function<void(const std::string&)>& call) const;

    bool member_ = false;
    Children children_;
};

}  // namespace object
