// Base64, lines and quoted key="value" text.
#include "node/encoding.h"

#include <algorithm>
#include <cstdint>

namespace node {
namespace {

int sextet(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

std::string go_quoted(std::string_view text) {
    std::string result = "\"";
    for (const char c : text) {
        switch (c) {
            case '"':
                result += "\\\"";
                break;
            case '\\':
                result += "\\\\";
                break;
            case '\n':
                result += "\\n";
                break;
            case '\t':
                result += "\\t";
                break;
            case '\r':
                result += "\\r";
                break;
            default:
                result += c;
        }
    }
    return result + "\"";
}

}  // namespace

std::string decode_base64(std::string_view text) {
    std::string result;
    std::uint32_t bits = 0;
    int count = 0;
    for (const char c : text) {
        const int value = sextet(c);
        if (value < 0) {
            if (c == '\n' || c == '\r') continue;
            break;
        }
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        count += 6;
        if (count < 8) continue;
        count -= 8;
        result += static_cast<char>(bits >> count & 0xff);
    }
    return result;
}

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> result;
    while (!text.empty()) {
        const auto end = text.find('\n');
        result.push_back(text.substr(0, end));
        text.remove_prefix(end == text.npos ? text.size() : end + 1);
    }
    return result;
}

std::string key_value_lines(object::Ref map) {
    std::vector<std::string> lines;
    for (const auto& [key, value] : map.members())
        lines.push_back(std::string(key) + "=" + go_quoted(object::Ref(value).str()));
    std::ranges::sort(lines);
    std::string result;
    for (const auto& line : lines) result += (result.empty() ? "" : "\n") + line;
    return result;
}

}  // namespace node
