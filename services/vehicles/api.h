// The routes of the catalogue: JSON for programs and pages for people, on the same addresses.
#pragma once

#include "kit/app.h"
#include "vehicles/catalogue.h"
#include "vehicles/requests.h"

namespace vehicles {

/// Everything that the service answers. `catalogue` outlives the app's routes.
void add_routes(kit::App& app, Catalogue& catalogue, Rights rights);

}  // namespace vehicles
