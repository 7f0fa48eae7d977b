// The address of a request: http or https, a host, a port, a target. What could smuggle something is no URL.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace kit::http {

struct Url {
    bool secure = false;
    std::string host;  ///< a name or an IPv4 address, lower case
    std::uint16_t port = 80;
    std::string target;  ///< path?query, "/" at least

    /// "http://payments:8080": what its connections have in common, and what errors say.
    std::string origin() const;
    /// The Host field: the port is left out when it is the scheme's own.
    std::string authority() const;
};

base::Result<Url> parse_url(std::string_view text);

}  // namespace kit::http
