// What all routes use: the parts of the service, the tokens that a session gives, and who may try how often.
#pragma once

#include "auth/key_ring.h"
#include "auth/service.h"
#include "auth/sessions.h"
#include "kit/app.h"
#include "kit/auth/password.h"
#include "kit/redis/limits.h"

namespace auth {

/// Where the tokens of a session go.
enum class Delivery : std::uint8_t { body, cookies };

struct Limits {
    kit::redis::RateLimit login;    ///< for each name
    kit::redis::RateLimit address;  ///< for each address
    kit::redis::RateLimit signup;   ///< for each address
};

struct Parts {
    kit::App& app;
    const Settings& settings;
    Accounts& accounts;
    Sessions& sessions;
    KeyRing& keys;
    kit::auth::Passwords& passwords;
    Limits& limits;
};

/// Answers with new tokens for the session: in the body, or as cookies.
void answer_tokens(Parts& parts, kit::Call call, const Hold& hold, Delivery delivery);
/// Takes the cookies away.
void forget_cookies(const Parts& parts, const kit::http::Request& request, kit::http::Response& response);

/// The client's address: the proxy's word where `trust-forwarded` says so.
std::string address_of(const Parts& parts, const kit::http::Request& request);
Origin origin_of(const Parts& parts, const kit::http::Request& request);
/// Goes on with the call, or answers 429.
void take_from(kit::redis::RateLimit& limit, const std::string& key, kit::Call call,
               std::move_only_function<void(kit::Call)> go_on);

/// The account, with its tag.
kit::http::Response user_response(const User& user);
/// The body as the shape says, or the call is answered.
std::optional<kit::Values> body_of(kit::Call& call, const kit::Shape& shape);

/// A password against an account: the same work and the same answer whether the account is unknown or locked. It is
/// counted, and hashed again when it was of another cost.
void check_password(Parts& parts, const std::optional<Account>& account, std::string password, Answer<bool> answer);

void add_session_routes(Parts& parts);
void add_account_routes(Parts& parts);
void add_user_routes(Parts& parts);

}  // namespace auth
