// Chance that nobody can guess (from OpenSSL's generator, never from base::Rng, whose seed replays it), digests,
// sealing, and the comparison of secrets. Secrets are never logged.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "run/loop.h"

namespace kit::auth {

/// `bytes` of chance.
std::string random_bytes(std::size_t bytes);
/// `bytes` of chance as base64url: 32 bytes are 43 characters.
std::string random_token(std::size_t bytes = 32);
/// A version 4 UUID: nothing can be told from it.
std::string random_uuid();
/// A version 7 UUID (RFC 9562): those made later sort later. For ids of rows, not for secrets.
std::string time_uuid(run::Time now);
/// For a base::Rng whose chance protects nothing: jitter, places in a queue.
std::uint64_t random_seed();
/// True for 8-4-4-4-12 lower-case hexadecimal digits.
bool is_uuid(std::string_view text);

/// 32 raw bytes.
std::string sha256(std::string_view bytes);
/// 32 raw bytes (RFC 2104).
std::string hmac_sha256(std::string_view key, std::string_view bytes);
std::string hex(std::string_view bytes);

/// RFC 4648, section 5, without padding.
std::string base64url(std::string_view bytes);
/// Nothing for other characters, padding, or bits that are left over: one text for each value.
std::optional<std::string> from_base64url(std::string_view text);

/// AES-256-GCM under the SHA-256 of `secret`, with a nonce of its own, as text. `bound_to` (a row's id, say) must be
/// the same when it is opened.
std::string seal(std::string_view secret, std::string_view plain, std::string_view bound_to);
/// `forbidden` when the secret, the text or what it is bound to differs.
base::Result<std::string> unseal(std::string_view secret, std::string_view sealed, std::string_view bound_to);

/// Compares in a time that does not depend on where they differ.
bool equal_secret(std::string_view one, std::string_view other);

}  // namespace kit::auth
