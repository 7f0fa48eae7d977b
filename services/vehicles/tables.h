// The tables of the catalogue and how rows of vehicles are written and read.
#pragma once

#include <string>
#include <vector>

#include "kit/db/database.h"
#include "vehicles/vehicle.h"

namespace vehicles {

enum class Samples : std::uint8_t { none, some };
/// With Samples::some a catalogue gets a few vehicles, once.
std::vector<kit::db::Migration> migrations(Samples samples = Samples::none);

/// What stands between SELECT (or RETURNING) and FROM so that vehicle_in can read it.
std::string columns_of(kit::db::Dialect dialect);
inline constexpr std::size_t vehicle_columns = 16;
VehicleView view_in(const kit::db::Rows& rows, std::size_t row);
Vehicle vehicle_in(const kit::db::Rows& rows, std::size_t row);

/// "INSERT INTO vehicles (...) VALUES ($1, ...)" and "UPDATE vehicles SET ... WHERE id = $N" of all that can change,
/// and the parameters for both; the update's last parameter, the id, is the caller's to add.
std::string insert_sql();
std::string update_sql();
kit::db::Parameters parameters_of(const Vehicle& vehicle);

}  // namespace vehicles
