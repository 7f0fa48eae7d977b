// The rules of a vehicle's stock, as pure decisions about its present state: for whom it may be reserved, who may buy
// it, and what may not be done to it meanwhile. All are repeatable: the same wish again changes nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "vehicles/vehicle.h"

namespace vehicles {

/// Who changes something. Anybody (where changes are open) may do so with vehicles that no dealer owns.
struct Actor {
    enum class Kind : std::uint8_t { anybody, dealer, admin };
    Kind kind = Kind::anybody;
    std::string id;  ///< a dealer's or admin's user id
    std::string name;
    std::string traceparent;  ///< of the request, for the events that it causes
};

/// What is to become of a vehicle.
struct Decision {
    enum class Act : std::uint8_t { keep, update, remove };
    Act act = Act::keep;
    Vehicle vehicle;
};

/// `until` is later than `now`. Conflict when another order holds or bought it.
base::Result<Decision> reserve(Vehicle vehicle, std::string_view order, std::string_view until, std::string_view now);
/// Conflict when it was sold to this order; a reservation that is not there is released already.
base::Result<Decision> release(Vehicle vehicle, std::string_view order, std::string_view now);
/// Conflict unless it is reserved for this order or sold to it.
base::Result<Decision> sell(Vehicle vehicle, std::string_view order, std::string_view now);
/// Back to available when it was sold to this order.
base::Result<Decision> take_back(Vehicle vehicle, std::string_view order, std::string_view now);

/// `next` has what the client sent, on top of `vehicle`. Forbidden for who may not; conflict when
/// the price of one that is reserved or sold would change.
base::Result<Decision> edit(const Vehicle& vehicle, Vehicle next, const Actor& actor, std::string_view now);
/// Forbidden for who may not; conflict when it is reserved or sold.
base::Result<Decision> discard(Vehicle vehicle, const Actor& actor);
/// What a dealer adds is that dealer's; what anybody adds is nobody's; an admin says whose it is.
Vehicle owned_by(Vehicle vehicle, const Actor& actor);

}  // namespace vehicles
