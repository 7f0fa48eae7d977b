// Figures of orders that everybody may see: how many are in which state, and what days brought. No order and no
// person can be told from them.
#pragma once

#include "kit/app.h"
#include "orders/order_store.h"

namespace orders {

void add_stats(kit::App& app, OrderStore& store);

}  // namespace orders
