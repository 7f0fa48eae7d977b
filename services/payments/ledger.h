// The books, double entry: a movement has debits and credits of equal sum, written in one transaction with what it
// tells of, and never changed. Its id says what it is of, so that it cannot be booked twice.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "kit/db/statements.h"
#include "kit/decimal.h"
#include "run/loop.h"

namespace payments {

struct Entry {
    std::string account;
    kit::Decimal debit;
    kit::Decimal credit;
};

struct Movement {
    std::string id;
    std::string payment_id;
    std::string kind;  ///< hold, unhold, capture, refund
    std::vector<Entry> entries;
};

/// Money that is set aside for us, and no longer.
Movement hold(const std::string& payment_id, kit::Decimal amount);
Movement unhold(const std::string& payment_id, kit::Decimal amount);
/// Money that the gateway owes us, and what it gave back to the buyer. `id` is the step's.
Movement capture(const std::string& id, const std::string& payment_id, kit::Decimal amount);
Movement refund(const std::string& id, const std::string& payment_id, kit::Decimal amount);

bool balances(const Movement& movement);

class Ledger {
 public:
    static kit::db::Migration migration(int version);
    explicit Ledger(kit::db::Database& database) : database_(database) {}

    /// Statements for the transaction in which it happens. It must balance.
    static void book(std::vector<kit::db::Statement>& into, const Movement& movement, const std::string& currency,
                     run::Time now);

    using Text = std::move_only_function<void(base::Result<std::string>)>;
    /// The sums of all accounts as JSON, and whether all debits are all credits, in total and in each movement.
    void balance(Text done);
    /// The movements of one payment as JSON, oldest first.
    void movements_of(const std::string& payment_id, Text done);

 private:
    kit::db::Database& database_;
};

}  // namespace payments
