// What a list of vehicles is asked for, and the SQL for it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kit/db/database.h"
#include "vehicles/vehicle.h"

namespace vehicles {

struct Wish {
    std::string search;                ///< words that name, brand, model or description hold; "" for all
    std::string sort = "-created_at";  ///< a field; '-' in front for the other way round
    std::int64_t page = 1;
    std::int64_t per_page = 20;
    std::optional<Stock> stock;
    std::string brand;  ///< in any case of letters; "" for all
    std::optional<kit::Decimal> price_min, price_max;
    std::optional<std::int64_t> year_min, year_max;
    std::string dealer;  ///< a dealer's id or name; "" for all

    /// Nothing is left out: the list is all vehicles.
    bool all() const;
};

/// What may stand in Wish::sort without its '-'.
const std::vector<std::string>& sort_fields();

struct Query {
    std::string sql;
    kit::db::Parameters parameters;
};

/// " WHERE ..." of what the wish leaves out, as of `now`; "" for all.
Query where_of(const Wish& wish, std::string_view now);
/// " ORDER BY ..." of a sort that was checked against sort_fields(); the id makes pages stable.
std::string order_of(const std::string& sort);

}  // namespace vehicles
