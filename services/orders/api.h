// The routes of orders. People see their own orders, dealers the sales of their vehicles, admins and services all.
#pragma once

#include <string>

#include "kit/app.h"
#include "kit/web/shape.h"
#include "orders/conductor.h"
#include "orders/followers.h"

namespace orders {

enum class OpenDemo : std::uint8_t { off, on };

struct Parts {
    OrderStore& store;
    Conductor& conductor;
    Followers& followers;
    std::string webhook_secret;
    OpenDemo open_demo;
};

/// The parts outlive the app's routes.
void add_routes(kit::App& app, const Parts& parts);

/// Answers an order, or what went wrong.
void answer_order(kit::Call& call, int status, const base::Result<Order>& order);
/// A card as it is passed on: payments checks it.
const kit::Shape& card_shape();
Buyer buyer_of(const kit::Call& call);

}  // namespace orders
