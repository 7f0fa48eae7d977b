// The routes by which many vehicles go in and out at once: import and export.
#pragma once

#include "kit/web/router.h"
#include "vehicles/catalogue.h"
#include "vehicles/requests.h"

namespace vehicles {

struct ExchangeParts {
    kit::db::Database& database;
    const run::Clock& clock;
    Changes& changes;
    Catalogue& catalogue;
};

/// Before the routes of single vehicles. The parts outlive the routes.
void add_exchange_routes(kit::Router& routes, ExchangeParts parts, Rights rights);

}  // namespace vehicles
