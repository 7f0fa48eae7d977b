// Service account tokens: JSON Web Tokens signed with the platform's key (RS256 or ES256), with Kubernetes' claims.
// Whether the account behind a token still exists is authn's to ask.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "object/json.h"

namespace server {

class Tokens {
 public:
    /// An empty key makes a Tokens that signs nothing and believes nothing; a broken one is an error.
    static base::Result<Tokens> create(std::string_view key_pem);
    Tokens(Tokens&&) noexcept;
    Tokens& operator=(Tokens&&) noexcept;
    ~Tokens();

    bool able() const { return key_ != nullptr; }
    base::Result<std::string> sign(const object::json::object& claims) const;
    /// The claims of a token whose signature holds and whose time has come and not passed; Code::unauthorized
    /// otherwise.
    base::Result<object::json::object> verify(std::string_view token, base::Time now) const;
    /// The public key as a JSON Web Key Set.
    object::json::object key_set() const;
    std::string_view algorithm() const;

 private:
    struct Key;
    Tokens() = default;
    std::unique_ptr<Key> key_;
};

std::string base64url(std::string_view bytes);
base::Result<std::string> from_base64url(std::string_view text);

}  // namespace server
