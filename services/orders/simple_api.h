// Orders as small demo applications place them: an item and a quantity, no vehicle. The rule that tells them apart:
//
//   POST /orders                a body with `item` or `quantity` is such an order, one with `vehicle_id` is not
//   GET  /orders                without a login: the orders that were placed without one, as a bare array. With a
//                               login: a page of the caller's orders, as ever; but a caller who never ordered a vehicle
//                               and has placed such orders gets these, as a bare array
//   POST /orders-with-payment   an order and its payment in one call
//
// Without a login they are taken only where `open-demo` is on.
#pragma once

#include "orders/api.h"

namespace orders {

/// What is ordered, and JSON Schema of how such an order is answered.
const kit::Shape& simple_shape();
inline constexpr const char* simple_schema =
    R"({"type":"object","required":["id","item","quantity"],"properties":{"id":{"type":"integer"},
    "item":{"type":"string"},"quantity":{"type":"integer"}}})";
bool is_simple_order(const kit::Call& call);
void place_simple(const Parts& parts, kit::Call call);
/// GET /orders without a login.
void list_simple_of_nobody(const Parts& parts, kit::Call call);
/// Answers with simple orders when the caller has nothing else; otherwise `or_else`.
void list_simple_or(const Parts& parts, kit::Call call, std::function<void(kit::Call)> or_else);
void add_simple_routes(kit::App& app, const Parts& parts);

}  // namespace orders
