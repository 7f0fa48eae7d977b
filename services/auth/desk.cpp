#include "auth/desk.h"

#include <fmt/format.h>

#include <algorithm>

#include "kit/auth/cookies.h"
#include "kit/db/due_work.h"
#include "kit/db/outbox.h"

namespace auth {
namespace {

using kit::Call;
namespace http = kit::http;

std::int64_t seconds(run::Duration duration) {
    return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

/// Where the browser sees this service: "/" or "/api/auth".
std::string public_path(const Parts& parts, const http::Request& request) {
    constexpr std::size_t longest = 100;
    const auto said = request.headers.get("X-Forwarded-Prefix");
    const bool plain = said.starts_with('/') && said.size() <= longest && std::ranges::all_of(said, [](char c) {
                           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                                  std::string_view("/-_.").contains(c);
                       });
    return plain ? std::string(said) : *parts.settings.public_path;
}

void append_tokens(std::string& text, const std::string& access, const Hold& hold, std::int64_t expires_in,
                   std::int64_t refresh_in) {
    kit::JsonText json(text);
    json.open('{').field("token", access).field("access_token", access).field("token_type", "Bearer");
    json.field("expires_in", expires_in).field("refresh_token", hold.refresh).field("refresh_expires_in", refresh_in);
    json.key("user").raw("");
    append_json(text, hold.user);
    json.close('}');
}

void add_cookies(const Parts& parts, const http::Request& request, http::Response& response, const std::string& access,
                 const Hold& hold, run::Duration refresh_for) {
    using kit::auth::set_cookie;
    const auto path = public_path(parts, request);
    response.headers.add(
        "Set-Cookie",
        set_cookie({.name = kit::auth::access_cookie, .value = access, .keep = *parts.settings.access_ttl}, request));
    response.headers.add(
        "Set-Cookie",
        set_cookie({.name = kit::auth::refresh_cookie, .value = hold.refresh, .path = path, .keep = refresh_for},
                   request));
    response.headers.add("Set-Cookie", set_cookie({.name = kit::auth::csrf_cookie,
                                                   .value = hold.csrf,
                                                   .keep = refresh_for,
                                                   .readable = kit::auth::Readable::by_pages},
                                                  request));
}

}  // namespace

void answer_tokens(Parts& parts, Call call, const Hold& hold, Delivery delivery) {
    const auto now = parts.app.loop().now();
    const run::Duration ttl = *parts.settings.access_ttl;
    const auto access = parts.keys.sign({.user = hold.user.id,
                                         .email = hold.user.email(),
                                         .name = hold.user.name,
                                         .roles = hold.user.roles,
                                         .issued = now,
                                         .expires = now + ttl,
                                         .token_id = kit::auth::random_token(12),
                                         .session = hold.session,
                                         .csrf = delivery == Delivery::cookies ? hold.csrf : std::string()});
    if (!access) return call.fail(access.error());
    const auto refresh_for = std::chrono::milliseconds(hold.refresh_expires - kit::db::milliseconds(now));
    std::string text;
    if (delivery == Delivery::body) {
        append_tokens(text, *access, hold, seconds(ttl), seconds(refresh_for));
    } else {
        text = fmt::format(R"({{"expires_in":{},"user":)", seconds(ttl));
        append_json(text, hold.user);
        text += '}';
    }
    auto response = kit::json_response(200, std::move(text));
    response.headers.add("Cache-Control", "no-store");
    if (delivery == Delivery::cookies) add_cookies(parts, call.request(), response, *access, hold, refresh_for);
    call.answer(std::move(response));
}

void forget_cookies(const Parts& parts, const http::Request& request, http::Response& response) {
    using kit::auth::set_cookie;
    const auto path = public_path(parts, request);
    response.headers.add("Set-Cookie", set_cookie({.name = kit::auth::access_cookie, .value = ""}, request));
    response.headers.add("Set-Cookie",
                         set_cookie({.name = kit::auth::refresh_cookie, .value = "", .path = path}, request));
    response.headers.add(
        "Set-Cookie",
        set_cookie({.name = kit::auth::csrf_cookie, .value = "", .readable = kit::auth::Readable::by_pages}, request));
}

std::string address_of(const Parts& parts, const http::Request& request) {
    if (!*parts.settings.trust_forwarded) return request.remote_address;
    constexpr std::size_t longest = 45;
    const auto list = request.headers.get("X-Forwarded-For");
    auto last = list.substr(list.rfind(',') + 1);  // what the proxy next to us saw; npos + 1 is 0
    while (last.starts_with(' ')) last.remove_prefix(1);
    return last.empty() || last.size() > longest ? request.remote_address : std::string(last);
}

Origin origin_of(const Parts& parts, const http::Request& request) {
    return {std::string(request.headers.get("User-Agent")), address_of(parts, request)};
}

void take_from(kit::redis::RateLimit& limit, const std::string& key, Call call,
               std::move_only_function<void(Call)> go_on) {
    // Names are people's: what is kept for the count is a digest.
    const auto hidden = kit::auth::base64url(kit::auth::sha256(key));
    limit.take(hidden, [call = std::move(call), go_on = std::move(go_on)](kit::redis::Allowance allowance) mutable {
        if (allowance.allowed) return go_on(std::move(call));
        auto response = kit::problem_response(
            {.status = 429, .detail = "too many tries; wait a little and try again", .fields = {}});
        response.headers.set("Retry-After", std::to_string(std::max<std::int64_t>(1, seconds(allowance.retry_after))));
        call.answer(std::move(response));
    });
}

kit::http::Response user_response(const User& user) {
    std::string text;
    append_json(text, user);
    auto response = kit::json_response(200, std::move(text));
    response.headers.add("ETag", etag(user));
    return response;
}

std::optional<kit::Values> body_of(Call& call, const kit::Shape& shape) {
    const auto type = call.request().headers.get("Content-Type");
    // What curl -d sends as a form without being asked to may be JSON.
    const bool form = type.starts_with("application/x-www-form-urlencoded") && !call.request().body.starts_with('{');
    auto values = [&]() -> base::Result<kit::Values> {
        if (form) return shape.read_form(TRY(call.form()));
        if (!type.starts_with("application/json") && !type.starts_with("application/x-www-form-urlencoded"))
            return base::fail(base::Code::unsupported_media_type, "send JSON: Content-Type: application/json");
        return shape.read_json(call.request().body);
    }();
    if (values) return std::move(*values);
    call.fail(values.error());
    return std::nullopt;
}

namespace {

void remember_right(Parts& parts, const Account& account, std::string password, kit::auth::Match match,
                    Answer<bool> answer) {
    if (match == kit::auth::Match::right_but_outdated) {
        parts.passwords.hash(std::move(password), [&parts, account](base::Result<std::string> hash) {
            if (!hash) return;
            parts.accounts.rehash(account.user.id, account.password, *hash, [](base::Result<void>) {});
        });
    }
    if (account.failures == 0 && account.locked_until == 0) return answer(true);
    parts.accounts.forget_failures(account.user.id, [answer = std::move(answer)](base::Result<void> done) mutable {
        if (!done) return answer(std::unexpected(std::move(done).error()));
        answer(true);
    });
}

}  // namespace

void check_password(Parts& parts, const std::optional<Account>& account, std::string password, Answer<bool> answer) {
    const bool open = account && !parts.accounts.locked(*account);
    auto copy = password;
    auto checked = [&parts, account, open, password = std::move(password),
                    answer = std::move(answer)](base::Result<kit::auth::Match> match) mutable {
        if (!match) return answer(std::unexpected(std::move(match).error()));
        if (open && *match != kit::auth::Match::wrong)
            return remember_right(parts, *account, std::move(password), *match, std::move(answer));
        const auto counted = open ? account->user.id : std::string();
        parts.accounts.count_failure(counted, [answer = std::move(answer)](base::Result<void> done) mutable {
            if (!done) return answer(std::unexpected(std::move(done).error()));
            answer(false);
        });
    };
    parts.passwords.check(std::move(copy), open ? account->password : std::string(), std::move(checked));
}

}  // namespace auth
