// A vehicle as an answer.
#pragma once

#include "kit/web/call.h"
#include "vehicles/vehicle.h"

namespace vehicles {

/// Its JSON with its entity tag.
kit::http::Response vehicle_response(int status, const Vehicle& vehicle);

}  // namespace vehicles
