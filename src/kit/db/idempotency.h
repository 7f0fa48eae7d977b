// Requests that are done once, however often they are sent (Idempotency-Key): the key is kept with a hash of the
// request in the transaction that begins it, its answer in the one that ends it, and then told again word for word.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "kit/db/statements.h"
#include "kit/http/server.h"

namespace kit::db {

inline constexpr std::size_t idempotency_key_max = 200;
/// A hash that fits all others: for who closes a key without knowing its request.
inline constexpr std::string_view any_request = "*";

struct KeptAnswer {
    int status = 0;
    std::string body;
    std::string location;  ///< "" : none
};

/// What is known of a key.
struct KnownRequest {
    std::string subject;               ///< what it made: the id of an order, a payment
    std::optional<KeptAnswer> answer;  ///< nothing: it is still being done
};

class Idempotency {
 public:
    static Migration migration(int version);
    /// Who asked and where, so that one caller's keys are nobody else's.
    static std::string scoped(std::string_view caller, std::string_view route, std::string_view key);
    /// SHA-256 in hexadecimal, of what makes two requests the same.
    static std::string hash_of(std::string_view request);

    /// Within a transaction: nothing when the key is new, and then `begin` belongs into the same transaction. `invalid`
    /// when it was used for another request.
    using Known = std::move_only_function<void(base::Result<std::optional<KnownRequest>>)>;
    static void find(Session& session, const std::string& scoped_key, const std::string& hash, Known known);
    static Statement begin(const std::string& scoped_key, const std::string& hash, const std::string& subject,
                           run::Time now);
    /// Only the first answer is kept.
    static Statement finish(const std::string& scoped_key, const KeptAnswer& answer);
    /// Keys of requests that were begun before `limit` are forgotten.
    static Statement forget(run::Time limit);
    /// 409 with Retry-After: the same request is being done at this moment.
    static http::Response still_running();
    static http::Response response_of(const KeptAnswer& answer);
};

}  // namespace kit::db
