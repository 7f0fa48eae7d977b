// The public keys of a JWKS (RFC 7517), and the strict check of a token against them: EdDSA over Ed25519 and nothing
// else, whatever a token's header asks for.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "kit/auth/identity.h"

namespace kit::auth {

inline constexpr std::size_t token_bytes_max = 8 * 1024;

struct TokenRules {
    std::string issuer;
    run::Duration leeway{};
};

class KeySet {
 public:
    /// Keys of other kinds and uses are passed over; `invalid` when the text is no JWKS.
    static base::Result<KeySet> parse(std::string_view jwks_json);
    /// `not_found` when the token's key is none of these, `unauthorized` for all else that is wrong with it.
    base::Result<Identity> verify(std::string_view token, const TokenRules& rules, run::Time now) const;
    /// The digest that a token binds its CSRF token by, as base64url; "" when it has none. Only for verified tokens.
    static std::string csrf_digest(std::string_view token);
    bool empty() const { return keys_.empty(); }

 private:
    bool signed_by(const std::string& key_id, std::string_view bytes, std::string_view signature) const;
    std::map<std::string, std::shared_ptr<void>, std::less<>> keys_;  ///< EVP_PKEY by key id
};

}  // namespace kit::auth
