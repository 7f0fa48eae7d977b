// API objects are JSON values throughout; Ref reads them without a null check at every step.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace object {

namespace json = boost::json;

/// A place in a JSON value that may not exist. Reading through what is missing gives another missing place, so
/// ref["spec"]["template"]["metadata"] needs no checks. The value must outlive its Refs.
class Ref {
   public:
    Ref() = default;
    Ref(const json::value* value) : value_(value) {}  // NOLINT: implicit by intent
    Ref(const json::value& value) : value_(&value) {}  // NOLINT
    Ref(const json::object& o) : object_(&o) {}        // NOLINT

    Ref operator[](std::string_view key) const {
        const auto* o = as_object();
        if (!o) return {};
        const auto* found = o->if_contains(key);
        return found ? Ref(found) : Ref();
    }
    Ref operator[](std::size_t index) const {
        const auto* a = as_array();
        return a && index < a->size() ? Ref(&(*a)[index]) : Ref();
    }
    /// False for what is missing and for null.
    explicit operator bool() const { return object_ || (value_ && !value_->is_null()); }
    bool missing() const { return !object_ && !value_; }

    const json::object* as_object() const { return object_ ? object_ : value_ ? value_->if_object() : nullptr; }
    const json::array* as_array() const { return value_ ? value_->if_array() : nullptr; }
    const json::value* value() const { return value_; }

    std::string_view str(std::string_view otherwise = {}) const {
        const auto* s = value_ ? value_->if_string() : nullptr;
        return s ? std::string_view(*s) : otherwise;
    }
    std::int64_t num(std::int64_t otherwise = 0) const {
        if (!value_) return otherwise;
        if (const auto* i = value_->if_int64()) return *i;
        if (const auto* u = value_->if_uint64()) return static_cast<std::int64_t>(*u);
        if (const auto* d = value_->if_double()) return static_cast<std::int64_t>(*d);
        return otherwise;
    }
    bool flag(bool otherwise = false) const {
        const auto* b = value_ ? value_->if_bool() : nullptr;
        return b ? *b : otherwise;
    }
    std::size_t size() const {
        if (const auto* o = as_object()) return o->size();
        const auto* a = as_array();
        return a ? a->size() : 0;
    }
    /// The items of an array; none when this is not one.
    const json::array& items() const {
        static const json::array none;
        const auto* a = as_array();
        return a ? *a : none;
    }
    /// The members of an object; none when this is not one.
    const json::object& members() const {
        static const json::object none;
        const auto* o = as_object();
        return o ? *o : none;
    }

   private:
    const json::value* value_ = nullptr;
    const json::object* object_ = nullptr;
};

/// The object under `key`, made empty when it is missing or no object.
json::object& child(json::object& parent, std::string_view key);
/// The array under `key`, made empty when it is missing or no array.
json::array& list(json::object& parent, std::string_view key);

/// An object as it is stored: never changed after it was made, shared by everybody who reads it.
class Object {
   public:
    explicit Object(json::object value);
    const json::object& value() const { return value_; }
    Ref operator[](std::string_view key) const { return Ref(value_)[key]; }

    std::string_view name() const { return meta()["name"].str(); }
    std::string_view ns() const { return meta()["namespace"].str(); }
    std::string_view uid() const { return meta()["uid"].str(); }
    Ref meta() const { return (*this)["metadata"]; }
    /// metadata.resourceVersion as a number; 0 when unset.
    std::int64_t revision() const { return revision_; }
    bool deleting() const { return static_cast<bool>(meta()["deletionTimestamp"]); }
    /// The whole object as JSON text, made once at first use (on the control thread).
    const std::shared_ptr<const std::string>& text() const;

   private:
    json::object value_;
    std::int64_t revision_ = 0;
    mutable std::shared_ptr<const std::string> text_;
};
using ObjectPtr = std::shared_ptr<const Object>;

}  // namespace object
