// Files that the binary carries; assets.cmake makes the definitions from assets/.
#pragma once

#include <string>
#include <string_view>

namespace vehicles {

extern const std::string_view style_css;
extern const std::string_view style_css_hash;
extern const std::string_view icon_svg;

/// Changes with the sheet, so that browsers may keep it for ever.
inline std::string style_path() { return "/style-" + std::string(style_css_hash) + ".css"; }

}  // namespace vehicles
