#include "vehicles/service.h"

#include "vehicles/api.h"

namespace vehicles {

void assemble(kit::App& app, const Settings& settings) {
    auto& database = app.database(*settings.database, migrations(*settings.samples ? Samples::some : Samples::none));
    auto& catalogue = app.own<Catalogue>(database, app.loop());
    add_routes(app, catalogue);
}

}  // namespace vehicles
