// Header fields and the decoding of addresses.
#include <algorithm>

#include "kit/http/ascii.h"
#include "kit/http/server.h"

namespace kit::http {
namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

std::string_view Headers::get(std::string_view name) const {
    for (const auto& [key, value] : fields_) {
        if (same_text(key, name)) return value;
    }
    return {};
}

bool Headers::has(std::string_view name) const {
    return std::ranges::any_of(fields_, [&](const auto& field) { return same_text(field.first, name); });
}

void Headers::set(std::string_view name, std::string_view value) {
    std::string kept(value);  // `value` may lie in a field that goes
    std::erase_if(fields_, [&](const auto& field) { return same_text(field.first, name); });
    fields_.emplace_back(name, std::move(kept));
}

std::string percent_encoded(std::string_view text) {
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                           c == '.' || c == '_' || c == '~';
        if (plain) {
            out += c;
        } else {
            out += '%';
            out += digits[static_cast<unsigned char>(c) >> 4];
            out += digits[c & 15];
        }
    }
    return out;
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '+' && plus_is_space) {
            decoded += ' ';
        } else if (text[at] != '%') {
            decoded += text[at];
        } else {
            const int high = text.size() - at > 2 ? hex_digit(text[at + 1]) : -1;
            const int low = text.size() - at > 2 ? hex_digit(text[at + 2]) : -1;
            if (high < 0 || low < 0) return std::nullopt;
            decoded += static_cast<char>(high * 16 + low);
            at += 2;
        }
    }
    return decoded;
}

std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query) {
    std::vector<std::pair<std::string, std::string>> pairs;
    const auto decoded = [](std::string_view text) { return percent_decode(text, true).value_or(std::string(text)); };
    while (!query.empty()) {
        const auto end = query.find('&');
        const auto pair = query.substr(0, end);
        query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
        if (pair.empty()) continue;
        const auto equals = pair.find('=');
        const auto value = equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1);
        pairs.emplace_back(decoded(pair.substr(0, equals)), decoded(value));
    }
    return pairs;
}

}  // namespace kit::http
