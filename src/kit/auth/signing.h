// Signing: access tokens (JWT with EdDSA over Ed25519, RFC 8037) and the JWKS that others verify them by; webhooks by
// HMAC-SHA256.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kit/auth/identity.h"
#include "kit/auth/secrets.h"
#include "run/loop.h"

namespace kit::auth {

/// What others need to verify: the key's id (its RFC 7638 thumbprint) and its 32 bytes as base64url.
struct PublicKey {
    std::string id;
    std::string x;
};

/// An Ed25519 key pair. It is never printed but by pem().
class SigningKey {
 public:
    static SigningKey make();
    /// PKCS #8, not encrypted.
    static base::Result<SigningKey> from_pem(std::string_view pem);
    std::string pem() const;
    const PublicKey& shown() const { return public_; }
    /// 64 raw bytes.
    std::string sign(std::string_view bytes) const;

 private:
    explicit SigningKey(std::shared_ptr<void> key);
    std::shared_ptr<void> key_;  ///< EVP_PKEY
    PublicKey public_;
};

/// {"keys": [...]}, as /.well-known/jwks.json shows it.
std::string jwks_text(const std::vector<PublicKey>& keys);

struct Claims {
    std::string issuer = "slipway-auth";
    std::string user;
    std::string email;
    std::string name;
    std::vector<Role> roles;  ///< Role::service is no claim and is left out
    run::Time issued;
    run::Time expires;
    std::string token_id;  ///< jti
    std::string session;   ///< sid; "" leaves it out
    std::string csrf;      ///< the CSRF token that goes with it as a cookie; only its digest is in the token
};
std::string sign_token(const SigningKey& key, const Claims& claims);

/// The header in which webhooks carry "t=UNIX,v1=HEX": HMAC-SHA256 of "t.body".
inline constexpr std::string_view webhook_header = "Slipway-Signature";
std::string webhook_signature(std::string_view secret, std::string_view body, run::Time now);
/// `unauthorized` when the signature is another's, or older (or newer) than `tolerance`. Several v1 may be given,
/// while a secret is being changed.
base::Result<void> check_webhook(std::string_view secret, std::string_view header, std::string_view body, run::Time now,
                                 run::Duration tolerance = std::chrono::minutes(5));

}  // namespace kit::auth
