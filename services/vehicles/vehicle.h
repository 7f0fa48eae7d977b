// A vehicle as the catalogue keeps it, what a client may send of it, and its JSON.
#pragma once

#include <cstdint>
#include <string>

#include "kit/decimal.h"
#include "kit/web/shape.h"

namespace vehicles {

struct Vehicle {
    std::int64_t id = 0;
    std::string name;
    std::string brand;
    std::string model;
    std::int64_t year = 0;
    kit::Decimal price;
    std::string description;
    std::string created_at;  ///< RFC 3339, UTC
    std::string updated_at;
    std::int64_t revision = 1;  ///< grows with every change
};

/// What POST and PUT take.
const kit::Shape& vehicle_shape();
/// JSON Schema of what is answered.
std::string vehicle_schema();
/// A vehicle of values that vehicle_shape() has checked.
Vehicle vehicle_of(const kit::Values& values);
void append_json(std::string& out, const Vehicle& vehicle);
/// The entity tag of this revision, with its quotes.
std::string etag(const Vehicle& vehicle);

}  // namespace vehicles
