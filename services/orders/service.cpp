#include "orders/service.h"

#include "kit/web/events.h"
#include "orders/api.h"

namespace orders {
namespace {

/// Long after anybody repeats a request.
constexpr auto requests_kept = std::chrono::days(7);
constexpr auto forget_every = std::chrono::hours(1);

/// How much longer than the order the vehicle is reserved: the saga decides first.
constexpr auto reservation_slack = std::chrono::minutes(2);

}  // namespace

void assemble(kit::App& app, const Settings& settings) {
    const std::string token(*settings.service_token);
    auto& database = app.database(settings.database->text, migrations());
    auto& faults = app.own<kit::FaultSites>(*settings.crash_at);
    app.verify_with({.jwks_url = *settings.jwks_url, .service_token = token});
    auto& vehicles = app.peer({.name = "vehicles", .base = *settings.vehicles, .bearer = token});
    // Longer than payments waits for its gateway.
    auto& payments =
        app.peer({.name = "payments", .base = *settings.payments, .bearer = token, .timeout = std::chrono::seconds(5)});
    kit::Peer* notifications = nullptr;
    if (!settings.notifications->empty()) {
        notifications = &app.peer({.name = "notifications", .base = *settings.notifications, .bearer = token});
    }
    auto& outbox = app.own<kit::db::Outbox>(database, app.loop(), app.log(), app.metrics(),
                                            kit::deliver_events(app.redis(*settings.redis), notifications));
    auto& store = app.own<OrderStore>(database);
    auto& partners = app.own<Partners>(vehicles, payments, app.loop(), reservation_slack);
    auto& conductor = app.own<Conductor>(store, app.loop(), app.log(), partners, outbox, faults,
                                         ConductorOptions{.order_ttl = *settings.order_ttl, .lease = *settings.lease});
    auto& followers = app.own<Followers>(store, app.loop());
    conductor.on_change([&followers](const Order& order) { followers.tell(order); });
    app.every(forget_every, "forget-requests", [&conductor] { conductor.forget(requests_kept); });
    const bool embedded = settings.database->text.starts_with("sqlite:");
    const bool open = *settings.open_demo == "on" || (*settings.open_demo == "auto" && embedded);
    add_routes(app, Parts{store, conductor, followers, std::string(*settings.webhook_secret),
                          open ? OpenDemo::on : OpenDemo::off});
}

}  // namespace orders
