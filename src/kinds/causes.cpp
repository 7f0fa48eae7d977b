// Reasons and messages of validation causes, worded as clients expect them.
#include "kinds/causes.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace kinds {

std::string shown(std::string_view text) { return json::serialize(json::string(text)); }
std::string shown(std::int64_t number) { return std::to_string(number); }
std::string shown(object::Ref value) {
    if (value.value()) return json::serialize(*value.value());
    if (const auto* object = value.as_object()) return json::serialize(*object);
    return "null";
}

static std::string with_detail(std::string_view what, std::string_view detail) {
    return detail.empty() ? std::string(what) : fmt::format("{}: {}", what, detail);
}

void Checks::required(const Path& at, std::string_view detail) {
    add({"FieldValueRequired", with_detail("Required value", detail), at.text()});
}
void Checks::forbidden(const Path& at, std::string_view detail) {
    add({"FieldValueForbidden", with_detail("Forbidden", detail), at.text()});
}
void Checks::duplicate(const Path& at, const std::string& value) {
    add({"FieldValueDuplicate", fmt::format("Duplicate value: {}", value), at.text()});
}
void Checks::not_found(const Path& at, const std::string& value) {
    add({"FieldValueNotFound", fmt::format("Not found: {}", value), at.text()});
}
void Checks::invalid(const Path& at, const std::string& value, std::string_view detail) {
    add({"FieldValueInvalid", with_detail("Invalid value: " + value, detail), at.text()});
}
void Checks::too_long(const Path& at, std::size_t limit) {
    add({"FieldValueTooLong", fmt::format("Too long: may not be more than {} bytes", limit), at.text()});
}
void Checks::too_many(const Path& at, std::size_t actual, std::size_t limit) {
    add({"FieldValueTooMany", fmt::format("Too many: {}: must have at most {} items", actual, limit), at.text()});
}

void Checks::unsupported(const Path& at, const std::string& value, std::span<const std::string_view> supported) {
    std::vector<std::string_view> sorted(supported.begin(), supported.end());
    std::ranges::sort(sorted);
    std::string names;
    for (const auto name : sorted) names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", name);
    add({"FieldValueNotSupported", fmt::format("Unsupported value: {}: supported values: {}", value, names),
         at.text()});
}

void Checks::one_of(const Path& at, object::Ref value, std::initializer_list<std::string_view> supported) {
    if (std::ranges::find(supported, value.str()) == supported.end()) unsupported(at, shown(value.str()), supported);
}

void Checks::add(Causes more) {
    for (auto& cause : more) causes_.push_back(std::move(cause));
}

}  // namespace kinds
