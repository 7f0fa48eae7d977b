// The routes of payments. Everything but one's own payments is for services and admins; `POST /pay` speaks as small
// demo applications do.
#pragma once

#include "kit/app.h"
#include "payments/cashier.h"

namespace payments {

enum class OpenDemo : std::uint8_t { off, on };

/// The parts outlive the app's routes.
void add_routes(kit::App& app, PaymentStore& store, Cashier& cashier, Ledger& ledger, OpenDemo open_demo);

}  // namespace payments
