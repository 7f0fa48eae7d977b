// The list of vehicles as HTML: search, sort, table (cards on a phone), pages.
#pragma once

#include <string>

#include "vehicles/catalogue.h"
#include "vehicles/requests.h"

namespace vehicles {

std::string listing_html(const Wish& wish, const Listing& listing, Rights rights);
/// One vehicle, to be read.
std::string vehicle_html(const Vehicle& vehicle);

/// "1234567.50" -> "1,234,567.50".
std::string grouped(const std::string& decimal);

}  // namespace vehicles
