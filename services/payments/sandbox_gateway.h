// A gateway that moves no money: its card numbers say what happens. It keeps its own books (what a real gateway
// would know after we crash), and it remembers references as a real one does. Cards that are not listed here are
// refused, so that nobody's real card is ever tried.
#pragma once

#include <span>
#include <string_view>

#include "kit/db/statements.h"
#include "payments/gateway.h"
#include "run/loop.h"

namespace payments {

enum class Behaviour : std::uint8_t {
    approve,
    decline,
    approve_later,    ///< pending, then authorized after the delay
    decline_later,    ///< pending, then declined after the delay
    charge_silently,  ///< it is authorized, but no answer comes
    lose              ///< nothing arrives, and no answer comes
};

struct TestCard {
    std::string_view number;
    Behaviour behaviour;
    std::string_view reason;  ///< of a decline
    std::string_view prose;
};
std::span<const TestCard> test_cards();

class SandboxGateway final : public Gateway {
 public:
    static kit::db::Migration migration(int version);
    SandboxGateway(kit::db::Database& database, run::Loop& loop, run::Duration delay)
        : database_(database), loop_(loop), delay_(delay) {}

    void authorize(const Charge& charge, const Card& card, Ruled ruled) override;
    void settle(const Charge& charge, Ruled ruled) override;
    void capture(const Charge& charge, const std::string& step_id, kit::Decimal amount, Ruled ruled) override;
    void release(const Charge& charge, Ruled ruled) override;
    void refund(const Charge& charge, const std::string& step_id, kit::Decimal amount, Ruled ruled) override;

 private:
    struct Row;
    struct Outcome;
    using Decide = std::function<Outcome(const Row&)>;
    /// Reads the charge, lets `decide` say what becomes of it, and writes that: one transaction.
    void change(const Charge& charge, Decide decide, Ruled ruled);
    static void read_and_write(kit::db::Session& session, const Charge& charge, std::int64_t now,
                               const std::shared_ptr<Outcome>& outcome, Decide decide, kit::db::Done done);

    kit::db::Database& database_;
    run::Loop& loop_;
    run::Duration delay_;
};

}  // namespace payments
