#include "vehicles/service.h"

#include "kit/auth/identity.h"
#include "vehicles/api.h"

namespace vehicles {
namespace {

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

}  // namespace

void assemble(kit::App& app, const Settings& settings) {
    auto& database = app.database(*settings.database, migrations(*settings.samples ? Samples::some : Samples::none));
    app.verify_with({.jwks_url = *settings.jwks, .service_token = settings.service_token->text});
    auto& changes = app.own<Changes>();
    auto& catalogue = app.own<Catalogue>(database, app.loop(), changes);
    auto& sweeper = app.own<Sweeper>(catalogue);
    app.every(sweep_every, "sweep-reservations", [&sweeper] { sweeper.sweep(); });
    add_routes(app, catalogue, settings.jwks->empty() || *settings.open_writes ? Rights::open : Rights::by_role);
}

}  // namespace vehicles
