// Cookies of pages: strict ones, and what a request must show besides them before it may change something.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "kit/http/server.h"
#include "run/loop.h"

namespace kit::auth {

enum class Readable : std::uint8_t { by_server, by_pages };  ///< by_server: HttpOnly

struct Cookie {
    std::string_view name;
    std::string_view value;  ///< of characters that a cookie may hold (base64url does)
    std::string_view path = "/";
    run::Duration keep{};  ///< zero removes it
    Readable readable = Readable::by_server;
};

/// The value of Set-Cookie: SameSite=Strict always, Secure when `request` came by https.
std::string set_cookie(const Cookie& cookie, const http::Request& request);
/// As the last proxy says it (X-Forwarded-Proto).
bool came_by_https(const http::Request& request);
/// The value of the request's cookie, or "".
std::string_view cookie_in(const http::Request& request, std::string_view name);

/// GET, HEAD, OPTIONS and TRACE change nothing (RFC 9110, 9.2.1).
bool changes_something(const http::Request& request);
/// A browser says where a request comes from: `forbidden` when that is another site's page (Sec-Fetch-Site, and
/// Origin beside Host or X-Forwarded-Host). A request without these headers passes.
base::Result<void> same_site(const http::Request& request);
/// For a request that is let in by its cookies: same_site, and the header X-CSRF-Token with the value of the cookie.
/// `forbidden` otherwise; requests that change nothing pass.
base::Result<void> check_csrf(const http::Request& request);

}  // namespace kit::auth
