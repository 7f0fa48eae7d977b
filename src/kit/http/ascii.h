// Comparing names of header fields: ASCII, without case.
#pragma once

#include <string_view>

namespace kit::http {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

constexpr bool same_text(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    for (std::size_t at = 0; at < a.size(); ++at) {
        if (lower(a[at]) != lower(b[at])) return false;
    }
    return true;
}

/// True when the comma-separated list `field` holds `token`.
constexpr bool has_token(std::string_view field, std::string_view token) {
    while (!field.empty()) {
        const auto comma = field.find(',');
        auto item = field.substr(0, comma);
        while (!item.empty() && (item.front() == ' ' || item.front() == '\t')) item.remove_prefix(1);
        while (!item.empty() && (item.back() == ' ' || item.back() == '\t')) item.remove_suffix(1);
        if (same_text(item, token)) return true;
        field = comma == std::string_view::npos ? std::string_view{} : field.substr(comma + 1);
    }
    return false;
}

}  // namespace kit::http
