// One's own account, and the keys that others verify tokens by.
#include "auth/desk.h"

namespace auth {
namespace {

using kit::Call;

void show_me(Parts& parts, Call call) {
    const auto id = call.identity()->user;
    parts.accounts.find(id, [call = std::move(call)](base::Result<User> user) mutable {
        if (!user) return call.fail(user.error());
        call.answer(user_response(*user));
    });
}

struct PasswordChange {
    std::string old_password;
    std::string new_password;
    std::string session;
};

void store_password(Parts& parts, Call call, User user, std::string session, std::string hash) {
    auto trace = call.context().trace().traceparent();
    parts.accounts.change_password(user, hash, session, std::move(trace),
                                   [call = std::move(call)](base::Result<void> done) mutable {
                                       if (!done) return call.fail(done.error());
                                       call.answer({.status = 204});
                                   });
}

void change_password(Parts& parts, Call call, const Account& account, PasswordChange change) {
    if (auto bad = password_problem(change.new_password, account.user.login); !bad.empty())
        return call.fail(kit::invalid_fields({{"new_password", std::move(bad)}}));
    auto old_password = change.old_password;
    auto checked = [&parts, user = account.user, change = std::move(change),
                    call = std::move(call)](base::Result<bool> right) mutable {
        if (!right) return call.fail(right.error());
        if (!*right) return call.fail(kit::invalid_fields({{"old_password", "is wrong"}}));
        parts.passwords.hash(
            std::move(change.new_password), [&parts, user = std::move(user), session = std::move(change.session),
                                             call = std::move(call)](base::Result<std::string> hash) mutable {
                if (!hash) return call.fail(hash.error());
                store_password(parts, std::move(call), std::move(user), std::move(session), std::move(*hash));
            });
    };
    check_password(parts, account, std::move(old_password), std::move(checked));
}

void begin_password(Parts& parts, Call call) {
    const auto values = body_of(call, password_shape());
    if (!values) return;
    const auto user = call.identity()->user;
    PasswordChange change{values->text("old_password"), values->text("new_password"), call.identity()->session};
    take_from(parts.limits.login, user, std::move(call), [&parts, user, change](Call allowed) {
        parts.accounts.find_account(user,
                                    [&parts, change, call = std::move(allowed)](base::Result<Account> account) mutable {
                                        if (!account) return call.fail(account.error());
                                        change_password(parts, std::move(call), *account, std::move(change));
                                    });
    });
}

void show_keys(const Parts& parts, Call call) {
    const auto& jwks = parts.keys.jwks();
    if (jwks.empty()) return call.fail({base::Code::unavailable, "there are no keys yet"});
    auto response = kit::json_response(200, jwks);
    response.headers.add("Cache-Control", "public, max-age=30");
    call.answer(std::move(response));
}

}  // namespace

void add_account_routes(Parts& parts) {
    auto& routes = parts.app.routes();
    routes.get("/me")
        .doc("Shows one's own account.")
        .needs({Role::buyer, Role::dealer, Role::admin})
        .replies(200, "The account.", user_schema())
        .calls([&parts](Call call) { show_me(parts, std::move(call)); });
    routes.post("/password")
        .doc("Changes one's password; all other sessions end.")
        .needs({Role::buyer, Role::dealer, Role::admin})
        .takes(password_shape())
        .replies(204, "It is changed.")
        .calls([&parts](Call call) { begin_password(parts, std::move(call)); });
    routes.get("/.well-known/jwks.json")
        .doc("The public keys that tokens are verified by (RFC 7517, RFC 8037).")
        .replies(200, "The keys.",
                 R"({"type":"object","required":["keys"],"properties":{"keys":{"type":"array","items":{
                    "type":"object","required":["kty","crv","kid","x","alg","use"]}}}})")
        .quiet()
        .calls([&parts](Call call) { show_keys(parts, std::move(call)); });
}

}  // namespace auth
