#include "vehicles/service.h"

#include "kit/auth/identity.h"
#include "kit/web/events.h"
#include "vehicles/api.h"

namespace vehicles {
namespace {

constexpr auto cached_for = std::chrono::minutes(1);
constexpr auto sweep_every = std::chrono::seconds(1);

/// One sweep at a time, however long it takes.
struct Sweeper {
    Catalogue& catalogue;
    bool sweeping = false;
    void sweep() {
        if (std::exchange(sweeping, true)) return;
        catalogue.sweep([this] { sweeping = false; });
    }
};

/// Null when nobody would be told.
kit::db::Outbox* outbox_of(kit::App& app, const Settings& settings, kit::db::Database& database,
                           kit::redis::Redis* redis) {
    if (!redis && settings.notifications->empty()) return nullptr;
    kit::Peer* receiver = nullptr;
    if (!settings.notifications->empty()) {
        receiver = &app.peer(
            {.name = "notifications", .base = *settings.notifications, .bearer = settings.service_token->text});
    }
    return &app.own<kit::db::Outbox>(database, app.loop(), app.log(), app.metrics(),
                                     kit::deliver_events(redis, receiver));
}

}  // namespace

void assemble(kit::App& app, const Settings& settings) {
    auto& database = app.database(*settings.database, migrations(*settings.samples ? Samples::some : Samples::none));
    app.verify_with({.jwks_url = *settings.jwks, .service_token = settings.service_token->text});
    auto* redis = app.redis(*settings.redis);
    auto* outbox = outbox_of(app, settings, database, redis);
    auto* cache = redis ? &app.own<kit::redis::Cache>(redis, "vehicles", cached_for) : nullptr;
    auto& changes = app.own<Changes>(app.loop(), outbox, cache);
    auto& catalogue = app.own<Catalogue>(database, app.loop(), changes);
    auto& sweeper = app.own<Sweeper>(catalogue);
    app.every(sweep_every, "sweep-reservations", [&sweeper] { sweeper.sweep(); });
    auto& shelf = app.own<Shelf>(catalogue, cache, app.loop());
    auto& figures = app.own<Figures>(database, app.loop());
    add_routes(app, {catalogue, shelf, figures, database, changes},
               settings.jwks->empty() || *settings.open_writes ? Rights::open : Rights::by_role);
}

}  // namespace vehicles
