// The way of a payment through the gateway and the books. Each step is written, then done, then its outcome written
// together with ledger, events, webhook and kept answer; whatever stops in between is taken up by a worker, here or in
// another replica, which asks the gateway by our reference. Cards live only as long as the request that showed them.
#pragma once

#include <optional>
#include <string>

#include "kit/db/due_work.h"
#include "kit/db/idempotency.h"
#include "kit/db/outbox.h"
#include "kit/fault.h"
#include "payments/gateway.h"
#include "payments/payment_store.h"
#include "payments/webhooks.h"

namespace payments {

struct Wish {
    std::string order_id;
    std::string user_id;
    std::string email;
    kit::Decimal amount;
    CaptureWhen capture_when = CaptureWhen::asked;
    std::string request;  ///< the scoped idempotency key
};

struct CashierOptions {
    run::Duration gateway_timeout = std::chrono::seconds(2);
    run::Duration lease = std::chrono::seconds(15);
};

using Respond = std::move_only_function<void(base::Result<kit::http::Response>)>;

class Cashier {
 public:
    Cashier(PaymentStore& store, run::Loop& loop, kit::Log& log, Gateway& gateway, kit::db::Outbox& outbox,
            Webhooks& webhooks, kit::FaultSites& faults, CashierOptions options);

    /// Authorizes (and captures, when so wished). The answer is kept under the request's key.
    void pay(const Wish& wish, Card card, Respond respond);
    /// capture, release or refund. `hash` and `wanted.request` belong to an Idempotency-Key, or are "".
    void step(const std::string& id, const Wanted& wanted, const std::string& hash, Respond respond);
    /// Kept answers and webhooks that are older.
    void forget(run::Duration age);
    /// What became of the request with that key; one that never came is closed and declined.
    enum class Then : std::uint8_t { tell, release };
    void resolve(const Wish& wish, Then then, Respond respond);

 private:
    void opened(const Payment& payment, Card card, base::Result<PaymentStore::Opened> result, Respond respond);
    void answer_kept(const std::string& request, Respond respond);
    void close(const Wish& wish, Respond respond);
    struct Begun;
    void begin_in(kit::db::Session& session, const std::string& id, const Wanted& wanted, const std::string& hash,
                  const std::shared_ptr<Begun>& begun, kit::db::Done finish);
    /// Does the step that is written, and those that follow at once.
    void drive(const Payment& payment, std::optional<Card> card, Answer<Payment> done);
    void ask_gateway(const Payment& payment, const std::optional<Card>& card, Ruled ruled);
    /// Over the revision that `before` is; when somebody was faster, what they made of it.
    void save(const Payment& before, const Change& change, Answer<Payment> done);
    void leave_to_worker(const std::string& id);
    std::vector<kit::db::Statement> statements_of(const Payment& before, const Change& change) const;
    std::vector<kit::db::Event> events_of(const Change& change) const;
    std::int64_t lease_for(const Payment& payment) const;
    Payment made_of(const Wish& wish) const;
    /// As the database keeps times.
    run::Time this_moment() const;

    PaymentStore& store_;
    run::Loop& loop_;
    kit::Log& log_;
    Gateway& gateway_;
    kit::db::Outbox& outbox_;
    Webhooks& webhooks_;
    kit::FaultSites& faults_;
    CashierOptions options_;
    kit::db::DueWork work_;
};

}  // namespace payments
