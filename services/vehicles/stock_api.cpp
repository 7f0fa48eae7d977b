#include "vehicles/stock_api.h"

#include "kit/auth/identity.h"
#include "vehicles/answers.h"
#include "vehicles/requests.h"

namespace vehicles {
namespace {

using kit::Call;
using kit::auth::Role;

constexpr auto reservation_max = std::chrono::hours(7 * 24);

const kit::Shape& reservation_shape() {
    static const kit::Shape shape(
        "Reservation",
        {{"order_id", "The order, a UUID.", kit::Need::required, kit::TextField{36, 36}},
         {"until", "When it lapses: RFC 3339, at most a week ahead.", kit::Need::required, kit::TextField{20, 64}}});
    return shape;
}

const kit::Shape& sale_shape() {
    static const kit::Shape shape("Sale",
                                  {{"order_id", "The order, a UUID.", kit::Need::required, kit::TextField{36, 36}}});
    return shape;
}

/// UUIDs are the same in either case of letters; they are kept in lower case.
base::Result<std::string> order_of(std::string_view text) {
    std::string order(text);
    bool well = order.size() == 36;
    for (std::size_t at = 0; well && at < order.size(); ++at) {
        auto& c = order[at];
        if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
        const bool dash = at == 8 || at == 13 || at == 18 || at == 23;
        well = dash ? c == '-' : (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    }
    if (!well) return std::unexpected(kit::invalid_fields({{"order_id", "must be a UUID"}}));
    return order;
}

base::Result<std::string> until_of(const kit::Values& values, std::string_view now) {
    const auto until = base::parse_rfc3339(values.text("until"));
    if (!until) return std::unexpected(kit::invalid_fields({{"until", "must be a time like 2026-01-31T12:00:00Z"}}));
    if (*until > *base::parse_rfc3339(now) + reservation_max) {
        return std::unexpected(kit::invalid_fields({{"until", "must be within a week"}}));
    }
    return base::rfc3339_micro(*until);
}

base::Result<Catalogue::Claim> claim_of(const Call& call, const kit::Shape& shape, const Catalogue& catalogue) {
    Catalogue::Claim claim{.id = TRY(id_of(call)), .traceparent = call.context().trace().traceparent()};
    TRY(must_be_json(call));
    const auto values = TRY(shape.read_json(call.request().body));
    claim.order = TRY(order_of(values.text("order_id")));
    if (values.has("until")) claim.until = TRY(until_of(values, catalogue.now()));
    return claim;
}

auto with_vehicle(Call call) {
    return [call = std::move(call)](base::Result<Vehicle> vehicle) mutable {
        vehicle ? call.answer(vehicle_response(200, *vehicle)) : call.fail(vehicle.error());
    };
}

auto with_nothing(Call call) {
    return [call = std::move(call)](base::Result<void> done) mutable {
        done ? call.answer({.status = 204}) : call.fail(done.error());
    };
}

void give_back(Catalogue& catalogue, void (Catalogue::*act)(Catalogue::Claim, Answer<void>), Call call) {
    const auto id = id_of(call);
    if (!id) return call.fail(id.error());
    auto order = order_of(call.path("order"));
    if (!order) return call.fail(order.error());
    Catalogue::Claim claim{.id = *id, .order = std::move(*order), .traceparent = call.context().trace().traceparent()};
    (catalogue.*act)(std::move(claim), with_nothing(std::move(call)));
}

}  // namespace

void add_stock_routes(kit::Router& routes, Catalogue& catalogue) {
    routes.put("/vehicles/{id}/reservation")
        .doc("Reserves a vehicle for an order until a moment; again for the same order: the new moment counts.")
        .needs({Role::service})
        .takes(reservation_shape())
        .replies(200, "The vehicle, reserved.", vehicle_schema())
        .replies(409, "Another order holds or bought it, or that moment is over.")
        .calls([&](Call call) {
            auto claim = claim_of(call, reservation_shape(), catalogue);
            if (!claim) return call.fail(claim.error());
            catalogue.reserve(std::move(*claim), with_vehicle(std::move(call)));
        });
    routes.del("/vehicles/{id}/reservation/{order}")
        .doc("Releases an order's reservation; also when there is none.")
        .needs({Role::service})
        .replies(204, "This order holds no reservation.")
        .replies(409, "The vehicle is sold to this order.")
        .calls([&](Call call) { give_back(catalogue, &Catalogue::release, std::move(call)); });
    routes.put("/vehicles/{id}/sale")
        .doc("Sells a vehicle to the order that it is reserved for.")
        .needs({Role::service})
        .takes(sale_shape())
        .replies(200, "The vehicle, sold.", vehicle_schema())
        .replies(409, "It is not reserved for this order.")
        .calls([&](Call call) {
            auto claim = claim_of(call, sale_shape(), catalogue);
            if (!claim) return call.fail(claim.error());
            catalogue.sell(std::move(*claim), with_vehicle(std::move(call)));
        });
    routes.del("/vehicles/{id}/sale/{order}")
        .doc("Takes a vehicle back that was sold to this order: it is available again.")
        .needs({Role::service})
        .replies(204, "It is not sold to this order any more.")
        .calls([&](Call call) { give_back(catalogue, &Catalogue::take_back, std::move(call)); });
}

}  // namespace vehicles
