// RFC 4648, section 4, with padding: what mail's headers and log-ins are written in.
#pragma once

#include <string>
#include <string_view>

namespace kit::mail {

std::string base64(std::string_view bytes);

}  // namespace kit::mail
