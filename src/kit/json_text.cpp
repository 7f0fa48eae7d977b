#include "kit/json_text.h"

#include <charconv>
#include <cmath>

namespace kit {
namespace {

/// How many bytes the UTF-8 character at the front takes; 0 when it is none.
std::size_t utf8_length(std::string_view text) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const unsigned char lead = byte(0);
    const std::size_t length = lead < 0x80         ? 1
                               : (lead >> 5) == 6  ? 2
                               : (lead >> 4) == 14 ? 3
                               : (lead >> 3) == 30 ? 4
                                                   : 0;
    if (length == 0 || text.size() < length) return 0;
    for (std::size_t at = 1; at < length; ++at) {
        if ((byte(at) & 0xc0) != 0x80) return 0;
    }
    if (length == 2 && lead < 0xc2) return 0;
    if (length == 3 && ((lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xed && byte(1) > 0x9f))) return 0;
    if (length == 4 && ((lead == 0xf0 && byte(1) < 0x90) || lead > 0xf4 || (lead == 0xf4 && byte(1) > 0x8f))) return 0;
    return length;
}

void append_escaped(std::string& out, char c) {
    static constexpr char digits[] = "0123456789abcdef";
    switch (c) {
        case '"':
            out += "\\\"";
            return;
        case '\\':
            out += "\\\\";
            return;
        case '\n':
            out += "\\n";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\t':
            out += "\\t";
            return;
        default:
            out += "\\u00";
            out += digits[static_cast<unsigned char>(c) >> 4];
            out += digits[c & 15];
    }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    std::size_t plain = 0;  // start of what can be copied as it stands
    for (std::size_t at = 0; at < text.size();) {
        const auto c = static_cast<unsigned char>(text[at]);
        if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
            ++at;
            continue;
        }
        const auto length = c < 0x80 ? 0 : utf8_length(text.substr(at));
        if (length > 0) {
            at += length;
            continue;
        }
        out += text.substr(plain, at - plain);
        if (c < 0x80) {
            append_escaped(out, text[at]);
        } else {
            out += "\xef\xbf\xbd";
        }
        plain = ++at;
    }
    out += text.substr(plain);
    out += '"';
}

JsonText& JsonText::value(double number) {
    if (!std::isfinite(number)) return null();
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, number);
    return raw({digits, end.ptr});
}

}  // namespace kit
