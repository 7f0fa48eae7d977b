#include "auth/key_ring.h"

#include <algorithm>
#include <ranges>

#include "kit/db/due_work.h"
#include "kit/db/statements.h"

namespace auth {
namespace {

using kit::db::milliseconds;
using kit::db::Rows;

constexpr auto select_keys =
    "SELECT generation, id, x, private, sealed, made_at, signs_from FROM signing_keys ORDER BY generation";
// Of replicas that make the next key at the same time one is the first.
constexpr auto insert_key = R"sql(
INSERT INTO signing_keys (generation, id, x, private, sealed, made_at, signs_from)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING)sql";
constexpr auto delete_keys = "DELETE FROM signing_keys WHERE generation < $1";

constexpr auto margin = std::chrono::minutes(1);  ///< for clocks that differ
constexpr std::int64_t keys_max = 32;

}  // namespace

void KeyRing::look(Answer<void> answer) {
    database_.run(select_keys, {}, [this, answer = std::move(answer)](base::Result<Rows> rows) mutable {
        if (!rows) return answer(std::unexpected(std::move(rows).error()));
        take(*rows);
        const auto now = milliseconds(clock_.now());
        const bool due = keys_.empty() || now >= keys_.back().made_at + milliseconds(base::Time(rules_.rotate_every));
        // A newest key that cannot be read (the secret was changed) is followed by one that can.
        if (due || !keys_.back().key) return add(std::move(answer));
        forget(std::move(answer));
    });
}

void KeyRing::take(const Rows& rows) {
    std::vector<Key> keys;
    std::vector<kit::auth::PublicKey> shown;
    for (std::size_t row = 0; row < rows.size(); ++row) {
        Key key{.generation = rows.number(row, 0),
                .shown = {std::string(rows.text(row, 1)), std::string(rows.text(row, 2))},
                .sealed = rows.number(row, 4) != 0,
                .made_at = rows.number(row, 5),
                .signs_from = rows.number(row, 6)};
        const auto known = std::ranges::find(keys_, key.generation, &Key::generation);
        const bool same = known != keys_.end() && known->shown.id == key.shown.id && known->key;
        key.key = same ? known->key : opened(key.shown.id, rows.text(row, 3), key.sealed);
        shown.push_back(key.shown);
        keys.push_back(std::move(key));
    }
    keys_ = std::move(keys);
    jwks_ = keys_.empty() ? "" : kit::auth::jwks_text(shown);
}

std::optional<kit::auth::SigningKey> KeyRing::opened(std::string_view id, std::string_view stored, bool sealed) {
    auto pem = sealed ? kit::auth::unseal(rules_.secret, stored, id) : base::Result<std::string>(stored);
    auto key = pem ? kit::auth::SigningKey::from_pem(*pem) : std::unexpected(pem.error());
    if (key && key->shown().id == id) return std::move(*key);
    if (!std::exchange(told_unreadable_, true))
        log_.warn("a signing key cannot be read: key-secret was another; it only verifies from now on", {{"key", id}});
    return std::nullopt;
}

void KeyRing::add(Answer<void> answer) {
    const auto now = clock_.now();
    const auto made = kit::auth::SigningKey::make();
    const bool readable = std::ranges::any_of(keys_, [](const Key& key) { return key.key.has_value(); });
    const auto signs_from = milliseconds(readable ? now + rules_.lead : now);
    const auto generation = keys_.empty() ? 1 : keys_.back().generation + 1;
    const bool sealed = !rules_.secret.empty();
    log_.info("a new signing key", {{"key", made.shown().id}, {"generation", generation}});
    kit::db::Parameters parameters{std::to_string(generation),
                                   made.shown().id,
                                   made.shown().x,
                                   sealed ? kit::auth::seal(rules_.secret, made.pem(), made.shown().id) : made.pem(),
                                   std::to_string(sealed ? 1 : 0),
                                   std::to_string(milliseconds(now)),
                                   std::to_string(signs_from)};
    auto added = [this, answer = std::move(answer)](base::Result<Rows> rows) mutable {
        if (!rows) return answer(std::unexpected(std::move(rows).error()));
        database_.run(select_keys, {}, [this, answer = std::move(answer)](base::Result<Rows> again) mutable {
            if (!again) return answer(std::unexpected(std::move(again).error()));
            take(*again);
            answer({});
        });
    };
    database_.run(insert_key, std::move(parameters), std::move(added));
}

/// A key is needed while it signs, and until what it signed last has expired.
void KeyRing::forget(Answer<void> answer) {
    const auto now = clock_.now();
    std::int64_t first_needed = keys_.front().generation;
    for (std::size_t at = 1; at < keys_.size(); ++at) {
        const bool over = milliseconds(now - rules_.token_ttl - margin) >= keys_[at].signs_from;
        const bool too_many = static_cast<std::int64_t>(keys_.size() - at) >= keys_max;
        if ((over && keys_[at].key) || too_many) first_needed = keys_[at].generation;
    }
    if (first_needed == keys_.front().generation) return answer({});
    database_.run(delete_keys, {std::to_string(first_needed)}, kit::db::without_rows(std::move(answer)));
}

const KeyRing::Key* KeyRing::signer() const {
    const auto now = milliseconds(clock_.now());
    for (const auto& key : keys_ | std::views::reverse) {
        if (key.key && key.signs_from <= now) return &key;
    }
    const auto early = std::ranges::find_if(keys_, [](const Key& key) { return key.key.has_value(); });
    return early == keys_.end() ? nullptr : &*early;
}

base::Result<std::string> KeyRing::sign(const kit::auth::Claims& claims) const {
    const auto* key = signer();
    if (!key) return base::fail(base::Code::unavailable, "there is no key yet to sign tokens with");
    return kit::auth::sign_token(*key->key, claims);
}

}  // namespace auth
