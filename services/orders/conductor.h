// Leads each order through its saga: does what is due, asks the partners, writes what came of it together with
// history, events and kept answers, and goes on. Whatever a dead process left is taken up by a worker here or in
// another replica when its lease ends. Cards live only as long as the request that showed them.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "kit/db/due_work.h"
#include "kit/db/idempotency.h"
#include "kit/db/outbox.h"
#include "kit/fault.h"
#include "orders/order_store.h"
#include "orders/partners.h"

namespace orders {

struct ConductorOptions {
    run::Duration order_ttl = std::chrono::minutes(15);
    run::Duration lease = std::chrono::seconds(15);
};

using Respond = std::move_only_function<void(base::Result<kit::http::Response>)>;

/// Who an order is for.
struct Buyer {
    std::string user_id;
    std::string email;
    std::string traceparent;
};

struct Payment {
    std::string card;  ///< JSON
    std::string key;   ///< the client's Idempotency-Key, or ""
};

class Conductor {
 public:
    Conductor(OrderStore& store, run::Loop& loop, kit::Log& log, Partners& partners, kit::db::Outbox& outbox,
              kit::FaultSites& faults, ConductorOptions options);

    /// Called after every change that this process made.
    void on_change(std::function<void(const Order&)> changed) { changed_ = std::move(changed); }

    /// Reserves the vehicle: 201 with the order; 404 or 409 when it cannot be had. `key` "" : none was sent.
    void place(const Buyer& buyer, std::int64_t vehicle_id, const std::string& key, Respond respond);
    /// An order of an item, without a vehicle. With an amount it waits to be paid; without, it is done.
    void place_simple(const Buyer& buyer, Simple simple, std::optional<kit::Decimal> amount, Answer<Order> done);
    /// Pays, and goes on as far as it goes. `refusal` is payments' answer to what is no card.
    struct Paid {
        Order order;
        std::optional<kit::http::Response> refusal;
    };
    void pay(const std::string& id, const Payment& payment, Answer<Paid> done);
    /// cancel_asked or refund_asked.
    void ask(const std::string& id, Happening what, Answer<Order> done);
    /// Kept answers that are older.
    void forget(run::Duration age);
    /// What a webhook told.
    void hear(const PaymentNews& news, kit::db::Done done);

 private:
    struct Applied {
        Order order;
        bool moved = false;
    };
    /// What the order becomes by the event, in one transaction.
    void apply(const std::string& id, const Event& event, Answer<Applied> done);
    void write(kit::db::Session& session, const Order& before, const Transition& transition, const Event& event,
               kit::db::Done finish);
    std::vector<kit::db::Event> events_of(const Transition& transition) const;
    /// Does what is to be done until the order rests or waits.
    void drive(const Order& order, std::optional<std::string> card, Answer<Paid> done);
    void heard(const Order& order, base::Result<Told> told, Answer<Paid> done);
    void look(const std::string& id, kit::db::Done done);
    void placed(const Order& order, base::Result<std::optional<kit::db::KnownRequest>> known, Respond respond);
    void leave_to_worker(const std::string& id, kit::db::Done done);
    void as_it_is(const std::string& id, Answer<Paid> done);
    std::int64_t lease_for(const Order& order) const;
    Order made_for(const Buyer& buyer) const;
    /// As the database keeps times.
    run::Time this_moment() const;

    OrderStore& store_;
    run::Loop& loop_;
    kit::Log& log_;
    Partners& partners_;
    kit::db::Outbox& outbox_;
    kit::FaultSites& faults_;
    ConductorOptions options_;
    std::function<void(const Order&)> changed_;
    kit::db::DueWork work_;
};

}  // namespace orders
