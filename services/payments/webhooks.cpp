#include "payments/webhooks.h"

#include <fmt/format.h>

#include "kit/auth/signing.h"
#include "kit/json_text.h"

namespace payments {
namespace {

kit::db::DueWorkOptions work_options(run::Duration lease) {
    return {.table = "webhooks", .lease = lease, .look_every = std::chrono::milliseconds(500)};
}

}  // namespace

kit::db::Migration Webhooks::migration(int version) {
    static constexpr auto* sql = R"(CREATE TABLE webhooks (
        id TEXT PRIMARY KEY, payment_id TEXT NOT NULL, body TEXT NOT NULL, created_at BIGINT NOT NULL,
        due_at BIGINT NOT NULL, lease_until BIGINT NOT NULL DEFAULT 0, tries INTEGER NOT NULL DEFAULT 0);
        CREATE INDEX webhooks_due ON webhooks (due_at) WHERE due_at < 9000000000000000)";
    return {version, "webhooks", sql, sql};
}

Webhooks::Webhooks(kit::db::Database& database, run::Loop& loop, kit::Log& log, kit::Peer* receiver,
                   WebhookOptions options, kit::FaultSites& faults)
    : database_(database),
      loop_(loop),
      receiver_(receiver),
      options_(std::move(options)),
      faults_(faults),
      work_(database, loop, log, work_options(options_.lease),
            [this](const std::string& id, kit::db::Done done) { send(id, std::move(done)); }) {}

kit::db::Statement Webhooks::telling(const std::string& id, const Payment& payment, run::Time now) {
    std::string body;
    kit::JsonText json(body);
    json.open('{').field("id", id).field("type", fmt::format("payment.{}", name_of(payment.status)));
    json.field("time", base::rfc3339_micro(now)).key("payment").raw(json_of(payment)).close('}');
    const auto at = std::to_string(kit::db::milliseconds(now));
    return {"INSERT INTO webhooks (id, payment_id, body, created_at, due_at) VALUES ($1, $2, $3, $4, $4)",
            {id, payment.id, body, at}};
}

void Webhooks::send(const std::string& id, kit::db::Done done) {
    database_.run("SELECT body FROM webhooks WHERE id = $1", {id},
                  [this, id, done = std::move(done)](base::Result<kit::db::Rows> rows) mutable {
                      if (!rows) return done(std::unexpected(std::move(rows).error()));
                      if (rows->empty()) return done({});
                      if (!receiver_) return mark(id, std::move(done));
                      post(id, std::string(rows->text(0, 0)), std::move(done));
                  });
}

void Webhooks::post(const std::string& id, const std::string& body, kit::db::Done done) {
    faults_.pass("payments.before_webhook");
    kit::PeerCall call{.method = "POST", .path = options_.path, .body = body, .repeat = kit::Repeat::never};
    call.headers.add("Content-Type", "application/json");
    call.headers.add(kit::auth::webhook_header, kit::auth::webhook_signature(options_.secret, body, loop_.now()));
    receiver_->call(
        kit::Context{}, std::move(call),
        [this, id, done = std::move(done)](base::Result<kit::http::Response> response) mutable {
            faults_.pass("payments.after_webhook");
            if (!response) return done(std::unexpected(std::move(response).error()));
            if (response->status / 100 == 2) return mark(id, std::move(done));
            done(base::fail(base::Code::unavailable, fmt::format("the webhook was answered {}", response->status)));
        });
}

void Webhooks::forget(run::Duration age) {
    database_.run("DELETE FROM webhooks WHERE due_at = $1 AND created_at < $2",
                  {std::to_string(kit::db::never), std::to_string(kit::db::milliseconds(loop_.now() - age))},
                  [](const base::Result<kit::db::Rows>&) {});
}

void Webhooks::mark(const std::string& id, kit::db::Done done) {
    database_.run("UPDATE webhooks SET due_at = $1, lease_until = 0 WHERE id = $2",
                  {std::to_string(kit::db::never), id},
                  [done = std::move(done)](base::Result<kit::db::Rows> rows) mutable {
                      done(rows ? base::Result<void>{} : std::unexpected(std::move(rows).error()));
                  });
}

}  // namespace payments
