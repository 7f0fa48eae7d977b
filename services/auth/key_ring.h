// The keys that sign access tokens. They are in the database, so that all replicas have the same; a new one is shown
// for a while before it signs, and an old one stays shown until the last token that it signed has expired.
#pragma once

#include <map>

#include "auth/accounts.h"
#include "kit/auth/signing.h"

namespace auth {

struct KeyRules {
    run::Duration rotate_every = std::chrono::hours(24 * 30);
    run::Duration lead = std::chrono::minutes(1);  ///< longer than replicas take to look for new keys
    run::Duration token_ttl = std::chrono::minutes(15);
    std::string secret;  ///< encrypts them in the database; "": they stand there as they are
};

class KeyRing {
 public:
    KeyRing(kit::db::Database& database, const run::Clock& clock, kit::Log& log, KeyRules rules)
        : database_(database), clock_(clock), log_(log), rules_(std::move(rules)) {}

    /// Loads, makes the first or the next key, and forgets what no token needs.
    void look(Answer<void> answer);
    /// `unavailable` until there is a key.
    base::Result<std::string> sign(const kit::auth::Claims& claims) const;
    /// "" until there is a key.
    const std::string& jwks() const { return jwks_; }

 private:
    struct Key {
        std::int64_t generation = 0;
        kit::auth::PublicKey shown;
        std::optional<kit::auth::SigningKey> key;  ///< nothing: it cannot be unsealed and only verifies
        bool sealed = false;
        std::int64_t made_at = 0;
        std::int64_t signs_from = 0;
    };
    void take(const kit::db::Rows& rows);
    std::optional<kit::auth::SigningKey> opened(std::string_view id, std::string_view stored, bool sealed);
    /// The key that signs now; null: none can.
    const Key* signer() const;
    void add(Answer<void> answer);
    void forget(Answer<void> answer);

    kit::db::Database& database_;
    const run::Clock& clock_;
    kit::Log& log_;
    KeyRules rules_;
    std::vector<Key> keys_;  ///< by generation
    std::string jwks_;
    bool told_unreadable_ = false;
};

}  // namespace auth
