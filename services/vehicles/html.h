// Writing HTML: text from outside is always escaped.
#pragma once

#include <string>
#include <string_view>

#include "kit/web/html.h"

namespace vehicles {

using kit::append_escaped;

/// Markup as it stands, values escaped: Html("<a>").text(name)("</a>").
class Html {
 public:
    Html() = default;
    Html& operator()(std::string_view markup) { return out_ += markup, *this; }
    Html& text(std::string_view value) { return append_escaped(out_, value), *this; }
    /// ` name="value"`
    Html& attribute(std::string_view name, std::string_view value) {
        out_ += ' ';
        out_ += name;
        out_ += "=\"";
        append_escaped(out_, value);
        out_ += '"';
        return *this;
    }
    const std::string& str() const { return out_; }

 private:
    std::string out_;
};

/// For query strings and paths.
inline std::string percent_encoded(std::string_view text) {
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                           c == '_' || c == '.' || c == '~';
        if (plain) {
            out += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out += {'%', digits[byte >> 4], digits[byte & 15]};
        }
    }
    return out;
}

}  // namespace vehicles
