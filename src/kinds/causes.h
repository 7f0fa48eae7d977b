// How validation says what is wrong: a Path is a place in an object as upstream names it, Checks gathers the causes.
// Rules read as prose: checks.required(at / "name", "").
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "kinds/rules.h"
#include "object/json.h"

namespace kinds {

class Path {
 public:
    Path() = default;
    Path(std::string_view root) : text_(root) {}  // NOLINT: implicit by intent
    Path(const char* root) : text_(root) {}       // NOLINT
    /// A field of this place.
    Path operator/(std::string_view field) const {
        return Path(text_.empty() ? std::string(field) : text_ + "." + std::string(field));
    }
    /// An item of this list.
    Path operator[](std::size_t index) const { return Path(text_ + "[" + std::to_string(index) + "]"); }
    /// An entry of this map.
    Path key(std::string_view name) const { return Path(text_ + "[" + std::string(name) + "]"); }
    const std::string& text() const { return text_; }

 private:
    Path(std::string text) : text_(std::move(text)) {}
    std::string text_;
};

/// How a value is shown in a message: strings quoted, the rest as JSON.
std::string shown(object::Ref value);
std::string shown(std::string_view text);
std::string shown(std::int64_t number);

class Checks {
 public:
    void required(const Path& at, std::string_view detail = {});
    void forbidden(const Path& at, std::string_view detail = {});
    void duplicate(const Path& at, const std::string& value);
    void not_found(const Path& at, const std::string& value);
    void invalid(const Path& at, const std::string& value, std::string_view detail);
    void too_long(const Path& at, std::size_t limit);
    void too_many(const Path& at, std::size_t actual, std::size_t limit);
    void unsupported(const Path& at, const std::string& value, std::span<const std::string_view> supported);
    void unsupported(const Path& at, const std::string& value, std::initializer_list<std::string_view> supported) {
        unsupported(at, value, std::span(supported.begin(), supported.size()));
    }
    /// One of a closed list; "" is not among them unless listed.
    void one_of(const Path& at, object::Ref value, std::initializer_list<std::string_view> supported);
    void add(base::Cause cause) { causes_.push_back(std::move(cause)); }
    void add(Causes more);
    bool any() const { return !causes_.empty(); }
    std::size_t count() const { return causes_.size(); }
    Causes take() { return std::move(causes_); }

 private:
    Causes causes_;
};

}  // namespace kinds
