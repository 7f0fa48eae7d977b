#include "vehicles/changes.h"

namespace vehicles {

void Changes::record(kit::db::Session&, Change, const Vehicle&, kit::db::Done done) { done({}); }

void Changes::committed(std::vector<std::int64_t>, run::Callback done) { done(); }

}  // namespace vehicles
