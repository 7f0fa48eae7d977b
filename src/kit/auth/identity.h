// Who calls: verified from an `Authorization: Bearer` token, or from the session cookie of a page. Tokens are JWTs
// signed with EdDSA (RFC 8037) by the auth service, whose keys are at its JWKS address; services among themselves
// show a shared secret. A cookie counts for a request that changes something only with its CSRF token.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kit/auth/secrets.h"
#include "kit/http/client.h"
#include "kit/log.h"
#include "kit/web/call.h"

namespace kit::auth {

enum class Role : std::uint8_t { buyer, dealer, admin, service };
std::string_view role_name(Role role);

/// How somebody showed who they are.
enum class Proof : std::uint8_t { token, cookie, service_token };

struct Identity {
    std::string user;  ///< UUID; "service" for a service
    std::string email;
    std::string name;
    std::vector<Role> roles;
    run::Time expires;
    std::string session;  ///< of the auth service; "" for a service
    Proof proof = Proof::token;
    bool has(Role role) const;
    /// An admin or a service, or this very user.
    bool may_act_for(std::string_view user_id) const;
};

struct VerifierOptions {
    std::string jwks_url;  ///< http://auth:8080/.well-known/jwks.json
    std::string issuer = "slipway-auth";
    std::string service_token;  ///< what services show each other; "" : none is taken
    run::Duration refresh_every = std::chrono::minutes(5);
    run::Duration unknown_key_wait = std::chrono::seconds(5);  ///< between fetches for key ids that are not known
    run::Duration leeway = std::chrono::seconds(5);            ///< for clocks that differ
};

class Verifier {
 public:
    virtual ~Verifier() = default;
    using Verified = std::move_only_function<void(base::Result<Identity>)>;
    /// `unauthorized` without a valid token (what is wrong with it is said, never the token); `forbidden` for a cookie
    /// without its CSRF token or from another site's page; `unavailable` when the keys cannot be had. Known keys are
    /// asked of nobody: no network call on the hot path.
    virtual void verify(const http::Request& request, Verified done) = 0;
    /// Nothing while it has keys; else why not: for /ready.
    virtual std::optional<std::string> away() const = 0;
};
/// Keys are fetched at once, again every `refresh_every`, and when a token names a key that is not known.
std::unique_ptr<Verifier> make_verifier(http::Client& client, run::Loop& loop, Log& log, VerifierOptions options);
/// Keys that are here already: for the auth service itself and for tests. `jwks` is asked each time, since keys change;
/// "" says that there are none yet.
std::unique_ptr<Verifier> make_verifier(const run::Clock& clock, VerifierOptions options,
                                        std::function<std::string()> jwks);

/// A token from its JWKS, without the network: for tests and for the auth service itself.
base::Result<Identity> verify_token(std::string_view token, std::string_view jwks_json, std::string_view issuer,
                                    run::Time now, run::Duration leeway);

/// Names of the cookies that pages use.
inline constexpr std::string_view access_cookie = "access";
inline constexpr std::string_view refresh_cookie = "refresh";
inline constexpr std::string_view csrf_cookie = "csrf";
inline constexpr std::string_view csrf_header = "X-CSRF-Token";

}  // namespace kit::auth
