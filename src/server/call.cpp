#include "server/call.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace server {

std::string_view Query::get(std::string_view name) const {
    for (const auto& [key, value] : pairs_)
        if (key == name) return value;
    return {};
}

bool Query::has(std::string_view name) const {
    return std::ranges::any_of(pairs_, [&](const auto& pair) { return pair.first == name; });
}

std::vector<std::string> Query::all(std::string_view name) const {
    std::vector<std::string> values;
    for (const auto& [key, value] : pairs_)
        if (key == name) values.push_back(value);
    return values;
}

bool Query::flag(std::string_view name) const {
    if (!has(name)) return false;
    const auto value = get(name);
    return value != "false" && value != "0";
}

base::Result<std::optional<std::int64_t>> Query::number(std::string_view name) const {
    const auto text = get(name);
    if (text.empty()) return std::nullopt;
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size())
        return base::fail(base::Code::bad_request, fmt::format("{}: \"{}\" is no number", name, text));
    return value;
}

bool User::in(std::string_view group) const { return std::ranges::find(groups, group) != groups.end(); }

}  // namespace server
