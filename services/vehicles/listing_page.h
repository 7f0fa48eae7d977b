// The list of vehicles as HTML: search, sort, table (cards on a phone), pages.
#pragma once

#include <string>

#include "vehicles/catalogue.h"

namespace vehicles {

std::string listing_html(const Wish& wish, const Listing& listing);

/// "1234567.50" -> "1,234,567.50".
std::string grouped(const std::string& decimal);

}  // namespace vehicles
