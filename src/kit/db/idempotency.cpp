#include "kit/db/idempotency.h"

#include <fmt/format.h>

#include "kit/auth/secrets.h"
#include "kit/db/due_work.h"
#include "kit/problem.h"

namespace kit::db {

Migration Idempotency::migration(int version) {
    static constexpr auto* sql = R"(CREATE TABLE idempotent_requests (
        scoped_key TEXT PRIMARY KEY, hash TEXT NOT NULL, subject TEXT NOT NULL, status INTEGER NOT NULL DEFAULT 0,
        body TEXT NOT NULL DEFAULT '', location TEXT NOT NULL DEFAULT '', begun_at BIGINT NOT NULL);
        CREATE INDEX idempotent_requests_begun_at ON idempotent_requests (begun_at))";
    return {version, "idempotent_requests", sql, sql};
}

std::string Idempotency::scoped(std::string_view caller, std::string_view route, std::string_view key) {
    return fmt::format("{} {} {}", caller, route, key);
}

std::string Idempotency::hash_of(std::string_view request) { return auth::hex(auth::sha256(request)); }

void Idempotency::find(Session& session, const std::string& scoped_key, const std::string& hash, Known known) {
    session.run("SELECT hash, subject, status, body, location FROM idempotent_requests WHERE scoped_key = $1",
                {scoped_key}, [hash, known = std::move(known)](base::Result<Rows> rows) mutable {
                    if (!rows) return known(std::unexpected(std::move(rows).error()));
                    if (rows->empty()) return known(std::optional<KnownRequest>{});
                    if (rows->text(0, 0) != hash && rows->text(0, 0) != any_request && hash != any_request) {
                        return known(std::unexpected(
                            invalid_fields({{"Idempotency-Key", "was used for another request before"}})));
                    }
                    KnownRequest request{std::string(rows->text(0, 1)), std::nullopt};
                    if (rows->number(0, 2) != 0) {
                        request.answer = KeptAnswer{static_cast<int>(rows->number(0, 2)), std::string(rows->text(0, 3)),
                                                    std::string(rows->text(0, 4))};
                    }
                    known(std::optional(std::move(request)));
                });
}

Statement Idempotency::begin(const std::string& scoped_key, const std::string& hash, const std::string& subject,
                             run::Time now) {
    return {"INSERT INTO idempotent_requests (scoped_key, hash, subject, begun_at) VALUES ($1, $2, $3, $4)",
            {scoped_key, hash, subject, std::to_string(milliseconds(now))}};
}

Statement Idempotency::finish(const std::string& scoped_key, const KeptAnswer& answer) {
    return {"UPDATE idempotent_requests SET status = $1, body = $2, location = $3 WHERE scoped_key = $4 AND status = 0",
            {std::to_string(answer.status), answer.body, answer.location, scoped_key}};
}

Statement Idempotency::forget(run::Time limit) {
    return {"DELETE FROM idempotent_requests WHERE begun_at < $1", {std::to_string(milliseconds(limit))}};
}

http::Response Idempotency::still_running() {
    auto response = problem_response(
        {.status = 409, .detail = "this request is being done at this moment; ask again shortly", .fields = {}});
    response.headers.add("Retry-After", "1");
    return response;
}

http::Response Idempotency::response_of(const KeptAnswer& answer) {
    http::Response response{.status = answer.status};
    // 402 tells of a payment that was declined, as 200 does of one that was not.
    const bool problem = answer.status >= 400 && answer.status != 402;
    response.headers.add("Content-Type", problem ? "application/problem+json" : "application/json");
    if (!answer.location.empty()) response.headers.add("Location", answer.location);
    response.body = std::make_shared<const std::string>(answer.body);
    return response;
}

}  // namespace kit::db
