#include "kit/http/url.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "kit/http/ascii.h"

namespace kit::http {
namespace {

constexpr std::size_t url_bytes_max = 16 * 1024;

bool names_a_host(std::string_view text) {
    return !text.empty() && text.size() <= 255 && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
    });
}

bool fits_a_request_line(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

std::string Url::origin() const { return fmt::format("{}://{}:{}", secure ? "https" : "http", host, port); }

std::string Url::authority() const { return port == (secure ? 443 : 80) ? host : fmt::format("{}:{}", host, port); }

base::Result<Url> parse_url(std::string_view text) {
    // The text itself may hold a secret (a webhook's address): it is not repeated.
    const auto broken = [](const char* why) {
        return base::fail(base::Code::invalid, fmt::format("the address of a request is not understood: {}", why));
    };
    if (text.size() > url_bytes_max) return broken("it is too long");
    Url url;
    url.secure = text.starts_with("https://");
    if (!url.secure && !text.starts_with("http://")) return broken("it does not start with http:// or https://");
    auto rest = text.substr(url.secure ? 8 : 7);
    url.port = url.secure ? 443 : 80;
    const auto end = std::min(rest.find_first_of("/?#"), rest.size());
    auto authority = rest.substr(0, end);
    rest.remove_prefix(end);
    if (const auto colon = authority.rfind(':'); colon != std::string_view::npos) {
        const auto digits = authority.substr(colon + 1);
        const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), url.port);
        if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size() || url.port == 0) {
            return broken("its port is not a number from 1 to 65535");
        }
        authority = authority.substr(0, colon);
    }
    url.host = authority;
    std::ranges::transform(url.host, url.host.begin(), lower);
    if (!names_a_host(url.host)) return broken("its host is not a name or an IPv4 address");
    url.target = rest.substr(0, rest.find('#'));
    if (!url.target.starts_with('/')) url.target.insert(0, 1, '/');
    if (!fits_a_request_line(url.target)) return broken("its path or query holds characters that must be escaped");
    return url;
}

}  // namespace kit::http
