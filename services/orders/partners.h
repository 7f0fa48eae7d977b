// What orders asks of vehicles and payments: each action of the saga as a call, its answer as a happening. An Error
// says that the outcome is not known: the same is asked again.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/rng.h"
#include "kit/web/peer.h"
#include "orders/saga.h"

namespace orders {

/// What a partner said. `refusal` is payments' answer to a card that cannot be one: for who showed it.
struct Told {
    Event event;
    std::optional<kit::http::Response> refusal;
};
using Heard = std::move_only_function<void(base::Result<Told>)>;

class Partners {
 public:
    /// `slack`: how much longer than the order itself the vehicle is reserved.
    Partners(kit::Peer& vehicles, kit::Peer& payments, run::Loop& loop, run::Duration slack);
    /// The order's action. `card` (JSON) is for the attempt that is made now; without it, payments is asked what became
    /// of the attempt.
    void perform(const Order& order, const std::optional<std::string>& card, Heard heard);

 private:
    kit::Context context_of(const Order& order);
    void reserve(const Order& order, Heard heard);
    void authorize(const Order& order, const std::string& card, Heard heard);
    void resolve(const Order& order, Heard heard);
    void sell(const Order& order, Heard heard);
    void capture(const Order& order, Heard heard);
    void release_money(const Order& order, Heard heard);
    void refund(const Order& order, Heard heard);
    void give_back(const Order& order, Heard heard);

    kit::Peer& vehicles_;
    kit::Peer& payments_;
    run::Loop& loop_;
    run::Duration slack_;
    base::Rng rng_;
};

/// What a payment's JSON (of payments' answers and webhooks) says about the attempt that it belongs to.
struct PaymentNews {
    std::string payment_id;
    std::string order_id;
    std::string status;
    std::string reason;
};
base::Result<PaymentNews> payment_news(std::string_view json);
/// authorized, declined or undecided.
Event event_of(const PaymentNews& news, const std::string& attempt);

}  // namespace orders
