// A vehicle as the catalogue keeps it, what a client may send of it, and its JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kit/decimal.h"
#include "kit/web/shape.h"

namespace vehicles {

/// Whether it can be bought: reserved for one order until a moment, or sold to one.
enum class Stock : std::uint8_t { available, reserved, sold };
std::string_view stock_name(Stock stock);
std::optional<Stock> stock_named(std::string_view name);

struct Vehicle {
    std::int64_t id = 0;
    std::string name;
    std::string brand;
    std::string model;
    std::int64_t year = 0;
    kit::Decimal price;
    std::string description;
    std::string dealer_id;  ///< whose it is: a user's UUID; "": nobody's
    std::string dealer;     ///< what that dealer is called
    std::string reference;  ///< the dealer's own number of it, unique among theirs; "": none
    Stock stock = Stock::available;
    std::string order_id;        ///< for whom it is reserved or to whom it was sold
    std::string reserved_until;  ///< RFC 3339 with microseconds, UTC; "" unless reserved
    std::string created_at;      ///< the same form
    std::string updated_at;
    std::int64_t revision = 1;  ///< grows with every change
};

/// RFC 3339 with microseconds of what a database prints: that, or "2026-01-01 09:00:00.5" in UTC. "" stays "".
std::string time_text(std::string_view printed);

/// The same where it lies: a Vehicle, or a row that nobody copied, with times as the database prints them.
struct VehicleView {
    std::int64_t id = 0, year = 0, price = 0, revision = 1;  ///< the price in hundredths
    std::string_view name, brand, model, description, dealer_id, dealer, reference, stock, reserved_until, created_at,
        updated_at;
};
VehicleView view_of(const Vehicle& vehicle);

/// The vehicle at `now` (RFC 3339 with microseconds): a reservation whose time is over is none. What this gives is
/// exactly what the sweep will write, so that it does not matter who comes first.
Vehicle settled(Vehicle vehicle, std::string_view now);

/// What POST and PUT take.
const kit::Shape& vehicle_shape();
/// JSON Schema of what is answered.
std::string vehicle_schema();
/// `base` with the values that vehicle_shape() has checked; what is optional and was not given stays.
Vehicle vehicle_of(const kit::Values& values, Vehicle base = {});
void append_json(std::string& out, const VehicleView& vehicle);
inline void append_json(std::string& out, const Vehicle& vehicle) { append_json(out, view_of(vehicle)); }
/// The entity tag of a revision, with its quotes.
std::string etag(std::int64_t id, std::int64_t revision);
inline std::string etag(const Vehicle& vehicle) { return etag(vehicle.id, vehicle.revision); }

}  // namespace vehicles
