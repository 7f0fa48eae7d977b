// The routes of the catalogue: JSON for programs and pages for people, on the same addresses.
#pragma once

#include "kit/app.h"
#include "vehicles/catalogue.h"

namespace vehicles {

/// Everything that the service answers. `catalogue` outlives the app's routes.
void add_routes(kit::App& app, Catalogue& catalogue);

/// The wish in a list's query, or what is wrong with it.
base::Result<Wish> wish_of(const kit::Call& call);
/// The id in the path; not_found when it is no number.
base::Result<std::int64_t> id_of(const kit::Call& call);

}  // namespace vehicles
