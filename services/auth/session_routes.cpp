// Coming and going: sign-up, log-in, refresh, log-out, and one's own sessions.
#include <fmt/format.h>

#include "auth/desk.h"
#include "base/time.h"
#include "kit/auth/cookies.h"

namespace auth {
namespace {

using kit::Call;

base::Error refused() { return {base::Code::unauthorized, "the name or the password is wrong"}; }

/// The name that somebody logs in by: `email` or `username`.
std::string login_in(const kit::Values& values) {
    return login_of(values.has("email") ? values.text("email") : values.text("username"));
}

std::vector<kit::FieldProblem> problems_of(const kit::Values& values) {
    std::vector<kit::FieldProblem> problems;
    const auto login = login_in(values);
    const bool both = values.has("email") && values.has("username");
    if (both) problems.push_back({"username", "is given beside email: one of them is enough"});
    const bool by_email = values.has("email");
    const auto wrong = by_email ? email_problem(login) : username_problem(login);
    if (!wrong.empty()) problems.push_back({by_email ? "email" : "username", wrong});
    if (auto bad = password_problem(values.text("password"), login); !bad.empty())
        problems.push_back({"password", std::move(bad)});
    return problems;
}

/// The same answer for new and known names, after the same work: who may log in learns it by logging in.
void sign_up(Parts& parts, Call call, const kit::Values& values) {
    const bool dealer = values.text("role") == "dealer";
    const bool open = *parts.settings.dealer_signup == "open";
    const auto login = login_in(values);
    NewUser user{.login = login,
                 .name = values.has("name") ? values.text("name") : login.substr(0, login.find('@')),
                 .password = "",
                 .roles = dealer && open ? Roles{Role::buyer, Role::dealer} : Roles{Role::buyer},
                 .wants_dealer = dealer && !open};
    parts.passwords.hash(values.text("password"), [&parts, user = std::move(user),
                                                   call = std::move(call)](base::Result<std::string> hash) mutable {
        if (!hash) return call.fail(hash.error());
        user.password = std::move(*hash);
        const auto login = user.login;
        auto trace = call.context().trace().traceparent();
        auto added = [login, call = std::move(call)](base::Result<std::optional<User>> result) mutable {
            if (!result) return call.fail(result.error());
            std::string text;
            kit::JsonText(text).open('{').field("status", "accepted").field("login", login).close('}');
            call.answer(kit::json_response(202, std::move(text)));
        };
        parts.accounts.add(std::move(user), std::move(trace), std::move(added));
    });
}

void log_in(Parts& parts, Call call, const std::optional<Account>& account, std::string password, Delivery delivery) {
    auto checked = [&parts, account, delivery, call = std::move(call)](base::Result<bool> right) mutable {
        if (!right) return call.fail(right.error());
        if (!*right) return call.fail(refused());
        const auto origin = origin_of(parts, call.request());
        parts.sessions.open(account->user, origin,
                            [&parts, delivery, call = std::move(call)](base::Result<Hold> hold) mutable {
                                if (!hold) return call.fail(hold.error());
                                answer_tokens(parts, std::move(call), *hold, delivery);
                            });
    };
    check_password(parts, account, std::move(password), std::move(checked));
}

void find_and_log_in(Parts& parts, Call call, const kit::Values& values) {
    const auto login = login_in(values);
    const auto delivery = values.text("session") == "cookie" ? Delivery::cookies : Delivery::body;
    // A page of another site could log its visitor in as somebody else.
    if (delivery == Delivery::cookies) {
        if (const auto same = kit::auth::same_site(call.request()); !same) return call.fail(same.error());
    }
    auto found = [&parts, delivery, password = values.text("password"),
                  call = std::move(call)](base::Result<std::optional<Account>> account) mutable {
        if (!account) return call.fail(account.error());
        log_in(parts, std::move(call), *account, std::move(password), delivery);
    };
    parts.accounts.find_login(login, std::move(found));
}

void begin_log_in(Parts& parts, Call call) {
    const auto values = body_of(call, login_shape());
    if (!values) return;
    const auto login = login_in(*values);
    const auto address = address_of(parts, call.request());
    take_from(parts.limits.address, address, std::move(call), [&parts, login, values](Call by_address) {
        take_from(parts.limits.login, login, std::move(by_address),
                  [&parts, values](Call by_name) { find_and_log_in(parts, std::move(by_name), *values); });
    });
}

void begin_sign_up(Parts& parts, Call call) {
    const auto values = body_of(call, signup_shape());
    if (!values) return;
    if (auto problems = problems_of(*values); !problems.empty())
        return call.fail(kit::invalid_fields(std::move(problems)));
    const auto address = address_of(parts, call.request());
    take_from(parts.limits.signup, address, std::move(call),
              [&parts, values](Call allowed) { sign_up(parts, std::move(allowed), *values); });
}

/// The refresh token of a body that is there, or of the cookie: then with its CSRF token.
struct Shown {
    std::string refresh;
    Delivery delivery = Delivery::body;
};
std::optional<Shown> refresh_in(Call& call) {
    if (!call.request().body.empty()) {
        const auto values = body_of(call, refresh_shape());
        if (!values) return std::nullopt;
        if (values->has("refresh_token")) return Shown{values->text("refresh_token"), Delivery::body};
    }
    const auto cookie = call.cookie(kit::auth::refresh_cookie);
    if (cookie.empty()) return Shown{};
    if (const auto csrf = kit::auth::check_csrf(call.request()); !csrf) {
        call.fail(csrf.error());
        return std::nullopt;
    }
    return Shown{std::string(cookie), Delivery::cookies};
}

void refresh(Parts& parts, Call call) {
    auto shown = refresh_in(call);
    if (!shown) return;
    if (shown->refresh.empty()) return call.fail({base::Code::unauthorized, "there is no refresh token"});
    parts.sessions.renew(shown->refresh,
                         [&parts, delivery = shown->delivery, call = std::move(call)](base::Result<Hold> hold) mutable {
                             if (!hold) return call.fail(hold.error());
                             answer_tokens(parts, std::move(call), *hold, delivery);
                         });
}

Answer<void> leave(Parts& parts, Call call) {
    return [&parts, call = std::move(call)](base::Result<void> done) mutable {
        if (!done) return call.fail(done.error());
        kit::http::Response response{.status = 204};
        forget_cookies(parts, call.request(), response);
        call.answer(std::move(response));
    };
}

/// Also when there is nothing to end: who logs out twice is out.
void log_out(Parts& parts, Call call) {
    const auto* who = call.identity();
    const auto user = who ? who->user : std::string();
    const auto session = who ? who->session : std::string();
    auto shown = refresh_in(call);
    if (!shown) return;
    if (!shown->refresh.empty()) return parts.sessions.end_of_token(shown->refresh, leave(parts, std::move(call)));
    if (!session.empty()) return parts.sessions.end(user, session, leave(parts, std::move(call)));
    leave(parts, std::move(call))({});
}

std::string stamp(std::int64_t milliseconds) {
    return base::rfc3339(base::Time(std::chrono::milliseconds(milliseconds)));
}

void list_sessions(Parts& parts, Call call) {
    const auto& who = *call.identity();
    parts.sessions.list(who.user, [current = who.session,
                                   call = std::move(call)](base::Result<std::vector<SessionInfo>> sessions) mutable {
        if (!sessions) return call.fail(sessions.error());
        std::string text;
        kit::JsonText json(text);
        json.open('{').key("items").open('[');
        for (const auto& one : *sessions) {
            json.open('{').field("id", one.id).field("agent", one.origin.agent).field("address", one.origin.address);
            json.field("created_at", stamp(one.created_at)).field("used_at", stamp(one.used_at));
            json.field("expires_at", stamp(one.expires_at)).field("current", one.id == current).close('}');
        }
        json.close(']').close('}');
        call.answer(kit::json_response(200, std::move(text)));
    });
}

Answer<void> no_content(Call call) {
    return [call = std::move(call)](base::Result<void> done) mutable {
        if (!done) return call.fail(done.error());
        call.answer({.status = 204});
    };
}

void end_session(Parts& parts, Call call) {
    const auto user = call.identity()->user;
    const std::string session(call.path("id"));
    parts.sessions.end(user, session, no_content(std::move(call)));
}

void end_other_sessions(Parts& parts, Call call) {
    const auto who = *call.identity();
    parts.sessions.end_others(who.user, who.session, no_content(std::move(call)));
}

std::string tokens_schema() {
    return fmt::format(R"({{"type":"object","required":["expires_in","user"],"properties":{{
        "token":{{"type":"string"}},"access_token":{{"type":"string"}},"token_type":{{"type":"string"}},
        "expires_in":{{"type":"integer"}},"refresh_token":{{"type":"string"}},
        "refresh_expires_in":{{"type":"integer"}},"user":{}}}}})",
                       user_schema());
}

constexpr auto accepted_schema = R"({"type":"object","required":["status","login"],"properties":{
    "status":{"type":"string"},"login":{"type":"string"}}})";
constexpr auto sessions_schema =
    R"({"type":"object","required":["items"],"properties":{"items":{"type":"array","items":{
    "type":"object","required":["id","agent","address","created_at","used_at","expires_at","current"],"properties":{
    "id":{"type":"string"},"agent":{"type":"string"},"address":{"type":"string"},
    "created_at":{"type":"string","format":"date-time"},"used_at":{"type":"string","format":"date-time"},
    "expires_at":{"type":"string","format":"date-time"},"current":{"type":"boolean"}}}}}})";

}  // namespace

void add_session_routes(Parts& parts) {
    auto& routes = parts.app.routes();
    routes.post("/signup")
        .doc("Makes an account, if the name is free; the answer does not say whether it was.")
        .takes(signup_shape())
        .replies(202, "It is taken; log in.", accepted_schema)
        .calls([&parts](Call call) { begin_sign_up(parts, std::move(call)); });
    routes.post("/login")
        .doc("Begins a session: tokens in the answer, or cookies for pages.")
        .takes(login_shape())
        .replies(200, "The tokens.", tokens_schema())
        .calls([&parts](Call call) { begin_log_in(parts, std::move(call)); });
    routes.post("/refresh")
        .doc("New tokens for a refresh token, which works once; pages send {} with their cookies.")
        .takes(refresh_shape())
        .replies(200, "The tokens.", tokens_schema())
        .calls([&parts](Call call) { refresh(parts, std::move(call)); });
    routes.post("/logout")
        .doc("Ends the session of the refresh token, of the cookies, or of the access token.")
        .takes(refresh_shape())
        .knows()
        .replies(204, "It is over.")
        .calls([&parts](Call call) { log_out(parts, std::move(call)); });
    routes.get("/sessions")
        .doc("One's own sessions, last used first.")
        .needs({Role::buyer, Role::dealer, Role::admin})
        .replies(200, "At most 50.", sessions_schema)
        .calls([&parts](Call call) { list_sessions(parts, std::move(call)); });
    routes.del("/sessions/{id}")
        .doc("Ends one of one's own sessions.")
        .needs({Role::buyer, Role::dealer, Role::admin})
        .replies(204, "It is over, or never was.")
        .calls([&parts](Call call) { end_session(parts, std::move(call)); });
    routes.del("/sessions")
        .doc("Ends all of one's own sessions but this one.")
        .needs({Role::buyer, Role::dealer, Role::admin})
        .replies(204, "They are over.")
        .calls([&parts](Call call) { end_other_sessions(parts, std::move(call)); });
}

}  // namespace auth
