// Reading and building blocks for API objects.
#include "object/json.h"

#include <charconv>

namespace object {

json::object& child(json::object& parent, std::string_view key) {
    auto& value = parent[key];
    if (!value.is_object()) value.emplace_object();
    return value.get_object();
}

json::array& list(json::object& parent, std::string_view key) {
    auto& value = parent[key];
    if (!value.is_array()) value.emplace_array();
    return value.get_array();
}

Object::Object(json::object value) : value_(std::move(value)) {
    const auto version = meta()["resourceVersion"].str();
    std::from_chars(version.data(), version.data() + version.size(), revision_);
}

const std::shared_ptr<const std::string>& Object::text() const {
    if (!text_) text_ = std::make_shared<const std::string>(json::serialize(value_));
    return text_;
}

}  // namespace object
