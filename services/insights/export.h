// GET /export.csv: the vehicles of the filter's brand, page by page from the catalogue to the client, at the client's
// pace; or, with `table=days`, the orders' days.
#pragma once

#include "insights/figures.h"
#include "kit/app.h"

namespace insights {

void add_export(kit::App& app, kit::Peer& vehicles, Source& orders);

}  // namespace insights
