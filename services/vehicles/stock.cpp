#include "vehicles/stock.h"

namespace vehicles {
namespace {

std::string the(const Vehicle& vehicle) { return "vehicle " + std::to_string(vehicle.id); }

std::unexpected<base::Error> conflict(std::string message) {
    return base::fail(base::Code::conflict, std::move(message));
}

Decision keep(Vehicle vehicle) { return {.act = Decision::Act::keep, .vehicle = std::move(vehicle)}; }

Decision update(Vehicle vehicle, std::string_view now) {
    vehicle.updated_at = now;
    ++vehicle.revision;
    return {.act = Decision::Act::update, .vehicle = std::move(vehicle)};
}

Decision free(Vehicle vehicle, std::string_view now) {
    vehicle.stock = Stock::available;
    vehicle.order_id.clear();
    vehicle.reserved_until.clear();
    return update(std::move(vehicle), now);
}

base::Result<void> may_change(const Vehicle& vehicle, const Actor& actor) {
    switch (actor.kind) {
        case Actor::Kind::admin:
            return {};
        case Actor::Kind::dealer:
            if (vehicle.dealer_id == actor.id) return {};
            return base::fail(base::Code::forbidden,
                              the(vehicle) + " is not yours: a dealer changes own vehicles only");
        case Actor::Kind::anybody:
            if (vehicle.dealer_id.empty()) return {};
            return base::fail(base::Code::forbidden, the(vehicle) + " is a dealer's: only that dealer changes it");
    }
    return {};
}

}  // namespace

base::Result<Decision> reserve(Vehicle vehicle, std::string_view order, std::string_view until, std::string_view now) {
    if (vehicle.stock != Stock::available && vehicle.order_id != order) {
        return conflict(the(vehicle) + " is " + std::string(stock_name(vehicle.stock)) +
                        (vehicle.stock == Stock::sold ? "" : " for another order"));
    }
    if (vehicle.stock == Stock::sold) return keep(std::move(vehicle));
    if (until <= now) return conflict("the time until which " + the(vehicle) + " should be reserved is over");
    if (vehicle.stock == Stock::reserved && vehicle.reserved_until == until) return keep(std::move(vehicle));
    vehicle.stock = Stock::reserved;
    vehicle.order_id = order;
    vehicle.reserved_until = until;
    return update(std::move(vehicle), now);
}

base::Result<Decision> release(Vehicle vehicle, std::string_view order, std::string_view now) {
    if (vehicle.order_id != order || vehicle.stock == Stock::available) return keep(std::move(vehicle));
    if (vehicle.stock == Stock::sold) return conflict(the(vehicle) + " is sold to this order");
    return free(std::move(vehicle), now);
}

base::Result<Decision> sell(Vehicle vehicle, std::string_view order, std::string_view now) {
    if (vehicle.stock == Stock::available) return conflict(the(vehicle) + " is not reserved for this order");
    if (vehicle.order_id != order) {
        return conflict(the(vehicle) + (vehicle.stock == Stock::sold ? " is sold" : " is reserved for another order"));
    }
    if (vehicle.stock == Stock::sold) return keep(std::move(vehicle));
    vehicle.stock = Stock::sold;
    vehicle.reserved_until.clear();
    return update(std::move(vehicle), now);
}

base::Result<Decision> take_back(Vehicle vehicle, std::string_view order, std::string_view now) {
    if (vehicle.stock != Stock::sold || vehicle.order_id != order) return keep(std::move(vehicle));
    return free(std::move(vehicle), now);
}

base::Result<Decision> edit(const Vehicle& vehicle, Vehicle next, const Actor& actor, std::string_view now) {
    TRY(may_change(vehicle, actor));
    if (vehicle.stock != Stock::available && next.price != vehicle.price) {
        return conflict(the(vehicle) + " is " + std::string(stock_name(vehicle.stock)) +
                        ": its price cannot change now");
    }
    return update(owned_by(std::move(next), actor), now);
}

base::Result<Decision> discard(Vehicle vehicle, const Actor& actor) {
    TRY(may_change(vehicle, actor));
    if (vehicle.stock != Stock::available) {
        return conflict(the(vehicle) + " is " + std::string(stock_name(vehicle.stock)) + ": it cannot be removed now");
    }
    return Decision{.act = Decision::Act::remove, .vehicle = std::move(vehicle)};
}

Vehicle owned_by(Vehicle vehicle, const Actor& actor) {
    if (actor.kind == Actor::Kind::dealer) {
        vehicle.dealer_id = actor.id;
        vehicle.dealer = actor.name;
    } else if (actor.kind == Actor::Kind::anybody) {
        vehicle.dealer_id.clear();
        vehicle.dealer.clear();
    }
    return vehicle;
}

}  // namespace vehicles
