// The catalogue of vehicles: a page for people, a JSON interface for programs.
#include "vehicles/api.h"

namespace {

struct Settings {
    kit::Setting<std::string> database{
        "database-url", "Where vehicles are kept: sqlite:PATH or postgres://user:password@host:port/name.",
        "sqlite:vehicles.db", kit::Shown::secret};
};

void assemble(kit::App& app, const Settings& settings) {
    auto& database = app.database(*settings.database, vehicles::migrations());
    auto& catalogue = app.own<vehicles::Catalogue>(database, app.loop());
    vehicles::add_routes(app, catalogue);
}

}  // namespace

int main(int argc, char** argv) { return kit::run<Settings>("vehicles", argc, argv, assemble); }
