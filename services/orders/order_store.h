// Where orders, their history and the small orders of old clients are kept: SQL. An order is saved only over the
// revision that was read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kit/db/idempotency.h"
#include "kit/db/outbox.h"
#include "kit/db/page.h"
#include "kit/web/paging.h"
#include "orders/saga.h"

namespace orders {

std::vector<kit::db::Migration> migrations();

template <class T>
using Answer = std::move_only_function<void(base::Result<T>)>;

struct Filter {
    std::string user_id;  ///< "" for any
    std::string dealer_id;
    std::string state;
    kit::Paging paging;
};

struct HistoryStep {
    std::string state;
    std::string happening;
    std::string reason;
    run::Time time;
};

/// An order of a thing and how many, as old clients place it.
struct Simple {
    std::int64_t number = 0;
    std::string order_id;
    std::string user_id;  ///< "" : nobody knows whose
    std::string item;
    std::int64_t quantity = 1;
};

struct Figures {
    std::string brand;  ///< "" for all
    std::int64_t from_day = 0;
    std::int64_t to_day = 0;  ///< days since 1970, both included
};
struct DayFigures {
    std::int64_t day = 0;
    std::string stage;
    std::int64_t orders = 0;
    std::int64_t paid = 0;
    std::int64_t confirmed = 0;
    kit::Decimal revenue;  ///< of those confirmed and not given back
};

class OrderStore {
 public:
    explicit OrderStore(kit::db::Database& database) : database_(database) {}

    void find(const std::string& id, Answer<Order> answer);
    /// Within a transaction, and locked until its end.
    void find(kit::db::Session& session, const std::string& id, Answer<Order> answer);
    using Page = kit::db::ItemsPage<Order>;
    void list(const Filter& filter, Answer<Page> answer);
    void history(const std::string& id, Answer<std::vector<HistoryStep>> answer);
    void figures(const Figures& figures, Answer<std::vector<DayFigures>> answer);
    /// The simple orders of one user ("" for those of nobody), oldest first.
    void simple_orders(const std::string& user_id, Answer<std::vector<Simple>> answer);
    void simple_order(const std::string& order_id, Answer<Simple> answer);
    void count_orders(const std::string& user_id, Answer<std::int64_t> answer);

    static kit::db::Statement insert(const Order& order, std::int64_t lease_until);
    /// Over `revision` only.
    static kit::db::Statement update(const Order& order, std::int64_t revision, std::int64_t lease_until,
                                     run::Time now);
    static kit::db::Statement remember(const Order& order, std::string_view happening);
    static kit::db::Statement insert(const Simple& simple);

    kit::db::Database& database() { return database_; }

 private:
    kit::db::Database& database_;
};

}  // namespace orders
