#include "kit/auth/cookies.h"

#include <fmt/format.h>

#include "kit/auth/identity.h"

namespace kit::auth {
namespace {

std::string_view last_of_list(std::string_view list) {
    auto last = list.substr(list.rfind(',') + 1);  // npos + 1 is 0
    while (last.starts_with(' ')) last.remove_prefix(1);
    while (last.ends_with(' ')) last.remove_suffix(1);
    return last;
}

/// "http://a.example:8080" -> "a.example:8080"; an origin that is no address ("null") stays as it is.
std::string_view authority_of(std::string_view origin) {
    const auto scheme = origin.find("://");
    return scheme == std::string_view::npos ? origin : origin.substr(scheme + 3);
}

base::Result<void> refused(std::string_view why) { return base::fail(base::Code::forbidden, std::string(why)); }

}  // namespace

std::string set_cookie(const Cookie& cookie, const http::Request& request) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(cookie.keep).count();
    return fmt::format("{}={}; Path={}; Max-Age={}; SameSite=Strict{}{}", cookie.name, cookie.value, cookie.path,
                       seconds, cookie.readable == Readable::by_server ? "; HttpOnly" : "",
                       came_by_https(request) ? "; Secure" : "");
}

bool came_by_https(const http::Request& request) {
    return last_of_list(request.headers.get("X-Forwarded-Proto")) == "https";
}

std::string_view cookie_in(const http::Request& request, std::string_view name) {
    auto rest = request.headers.get("Cookie");
    while (!rest.empty()) {
        const auto end = rest.find(';');
        auto pair = rest.substr(0, end);
        rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
        while (pair.starts_with(' ')) pair.remove_prefix(1);
        if (pair.size() > name.size() && pair[name.size()] == '=' && pair.starts_with(name))
            return pair.substr(name.size() + 1);
    }
    return {};
}

bool changes_something(const http::Request& request) {
    const auto& method = request.method;
    return method != "GET" && method != "HEAD" && method != "OPTIONS" && method != "TRACE";
}

base::Result<void> same_site(const http::Request& request) {
    const auto site = request.headers.get("Sec-Fetch-Site");
    if (!site.empty() && site != "same-origin" && site != "none") return refused("another site's page asks for this");
    const auto origin = request.headers.get("Origin");
    if (origin.empty()) return {};
    const auto from = authority_of(origin);
    const bool own =
        from == request.headers.get("Host") || from == last_of_list(request.headers.get("X-Forwarded-Host"));
    return own ? base::Result<void>{} : refused("Origin names another site");
}

base::Result<void> check_csrf(const http::Request& request) {
    if (!changes_something(request)) return {};
    TRY(same_site(request));
    const auto shown = request.headers.get(csrf_header);
    const auto held = cookie_in(request, csrf_cookie);
    if (shown.empty() || held.empty()) return refused("X-CSRF-Token with the value of the cookie csrf is missing");
    if (!equal_secret(shown, held)) return refused("X-CSRF-Token is not the value of the cookie csrf");
    return {};
}

}  // namespace kit::auth
