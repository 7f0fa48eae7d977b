#include "payments/service.h"

#include "kit/web/events.h"
#include "payments/api.h"
#include "payments/sandbox_gateway.h"

namespace payments {
namespace {

/// Long after anybody repeats a request.
constexpr auto requests_kept = std::chrono::days(7);
constexpr auto forget_every = std::chrono::hours(1);

kit::Peer* peer_at(kit::App& app, std::string name, const std::string& base, const kit::Secret& token) {
    if (base.empty()) return nullptr;
    return &app.peer({.name = std::move(name), .base = base, .bearer = std::string(token)});
}

}  // namespace

void assemble(kit::App& app, const Settings& settings) {
    auto& database = app.database(settings.database->text, migrations());
    auto& faults = app.own<kit::FaultSites>(*settings.crash_at);
    app.verify_with({.jwks_url = *settings.jwks_url, .service_token = std::string(*settings.service_token)});
    auto* notifications = peer_at(app, "notifications", *settings.notifications, *settings.service_token);
    auto* orders = peer_at(app, "orders", *settings.orders, *settings.service_token);
    auto& outbox = app.own<kit::db::Outbox>(database, app.loop(), app.log(), app.metrics(),
                                            kit::deliver_events(app.redis(*settings.redis), notifications));
    auto& webhooks = app.own<Webhooks>(
        database, app.loop(), app.log(), orders,
        WebhookOptions{.secret = std::string(*settings.webhook_secret), .lease = *settings.lease}, faults);
    auto& gateway = app.own<SandboxGateway>(database, app.loop(), *settings.sandbox_delay);
    auto& store = app.own<PaymentStore>(database, app.loop());
    auto& cashier =
        app.own<Cashier>(store, app.loop(), app.log(), gateway, outbox, webhooks, faults,
                         CashierOptions{.gateway_timeout = *settings.gateway_timeout, .lease = *settings.lease});
    auto& ledger = app.own<Ledger>(database);
    app.every(forget_every, "forget-requests", [&cashier] { cashier.forget(requests_kept); });
    const bool embedded = settings.database->text.starts_with("sqlite:");
    const bool open_demo = *settings.open_demo == "on" || (*settings.open_demo == "auto" && embedded);
    add_routes(app, store, cashier, ledger, open_demo ? OpenDemo::on : OpenDemo::off);
}

}  // namespace payments
