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

}  // namespace vehicles
