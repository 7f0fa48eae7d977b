// The routes of the catalogue: JSON for programs and pages for people, on the same addresses.
#pragma once

#include "kit/app.h"
#include "vehicles/catalogue.h"
#include "vehicles/figures.h"
#include "vehicles/requests.h"
#include "vehicles/shelf.h"

namespace vehicles {

/// What the routes stand on; all outlive them.
struct Parts {
    Catalogue& catalogue;
    Shelf& shelf;
    Figures& figures;
    kit::db::Database& database;
    Changes& changes;
};

/// Everything that the service answers.
void add_routes(kit::App& app, Parts parts, Rights rights);

}  // namespace vehicles
