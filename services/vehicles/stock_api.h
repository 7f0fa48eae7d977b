// The routes by which orders reserve, buy and give back vehicles (docs/guide/services.md, "Between services").
#pragma once

#include "kit/web/router.h"
#include "vehicles/catalogue.h"

namespace vehicles {

/// For services only. `catalogue` outlives the routes.
void add_stock_routes(kit::Router& routes, Catalogue& catalogue);

}  // namespace vehicles
