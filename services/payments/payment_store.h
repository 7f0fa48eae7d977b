// Where payments are kept: SQL of payments, of what they wait for and of the webhooks that tell of them. A payment is
// saved only over the revision that was read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kit/db/idempotency.h"
#include "kit/db/outbox.h"
#include "kit/db/page.h"
#include "kit/web/paging.h"
#include "payments/payment.h"

namespace payments {

std::vector<kit::db::Migration> migrations();

template <class T>
using Answer = std::move_only_function<void(base::Result<T>)>;

struct Filter {
    std::string order_id;  ///< "" for any
    std::string user_id;
    kit::Paging paging;
};

class PaymentStore {
 public:
    PaymentStore(kit::db::Database& database, const run::Clock& clock) : database_(database), clock_(clock) {}

    void find(const std::string& id, Answer<Payment> answer);
    void find(kit::db::Session& session, const std::string& id, Answer<Payment> answer);
    /// A page, newest first, and how many there are.
    using Page = kit::db::ItemsPage<Payment>;
    void list(const Filter& filter, Answer<Page> answer);
    /// A new payment with its idempotency key, or what is known of that key.
    struct Opened {
        std::optional<kit::db::KnownRequest> known;  ///< nothing: it is new
    };
    void open(const Payment& payment, const std::string& hash, std::optional<kit::db::KeptAnswer> answer,
              std::int64_t lease_until, Answer<Opened> done);
    /// What is known of an idempotency key, whatever its request was.
    void known(const std::string& scoped_key, Answer<std::optional<kit::db::KnownRequest>> done);

    static kit::db::Statement insert(const Payment& payment, std::int64_t lease_until);
    /// Over `revision` only. `lease_until` is that of its step, if it has one.
    static kit::db::Statement update(const Payment& payment, std::int64_t revision, std::int64_t lease_until);

    kit::db::Database& database() { return database_; }
    run::Time now() const { return clock_.now(); }

 private:
    kit::db::Database& database_;
    const run::Clock& clock_;
};

}  // namespace payments
