#include "payments/sandbox_gateway.h"

#include <algorithm>
#include <array>

#include "kit/db/due_work.h"

namespace payments {
namespace {

using kit::Decimal;
using kit::db::Rows;
using kit::db::Statement;

constexpr std::array<TestCard, 10> cards{{
    {"4242424242424242", Behaviour::approve, "", "approved (Visa)"},
    {"5555555555554444", Behaviour::approve, "", "approved (Mastercard)"},
    {"378282246310005", Behaviour::approve, "", "approved (American Express)"},
    {"4000000000009995", Behaviour::decline, "insufficient_funds", "declined: insufficient funds"},
    {"4000000000009979", Behaviour::decline, "stolen_card", "declined: stolen card"},
    {"4000000000000069", Behaviour::decline, "expired_card", "declined: expired card"},
    {"4000000000000077", Behaviour::approve_later, "", "pending, approved after the sandbox's delay"},
    {"4000000000000341", Behaviour::decline_later, "insufficient_funds",
     "pending, declined (insufficient funds) after the sandbox's delay"},
    {"4000000000000119", Behaviour::charge_silently, "",
     "the gateway does not answer, but has approved: found out by asking again"},
    {"4000000000000127", Behaviour::lose, "",
     "the gateway does not answer and has never heard of it: declined after asking again"},
}};

constexpr TestCard unknown_card{"", Behaviour::decline, "not_a_test_card", ""};

const TestCard& card_numbered(std::string_view number) {
    const auto* found = std::ranges::find(cards, number, &TestCard::number);
    return found == cards.end() ? unknown_card : *found;
}

}  // namespace

std::span<const TestCard> test_cards() { return cards; }

kit::db::Migration SandboxGateway::migration(int version) {
    static constexpr auto* sql = R"(CREATE TABLE sandbox_charges (
        reference TEXT PRIMARY KEY, amount BIGINT NOT NULL, currency TEXT NOT NULL, state TEXT NOT NULL,
        reason TEXT NOT NULL, becomes TEXT NOT NULL DEFAULT '', becomes_at BIGINT NOT NULL DEFAULT 0,
        captured BIGINT NOT NULL DEFAULT 0, refunded BIGINT NOT NULL DEFAULT 0,
        CHECK (captured <= amount AND refunded <= captured));
        CREATE TABLE sandbox_steps (id TEXT PRIMARY KEY, reference TEXT NOT NULL, amount BIGINT NOT NULL))";
    return {version, "sandbox_gateway", sql, sql};
}

/// A charge as the gateway knows it. States: "" (never heard of), pending, authorized, declined, captured, released.
struct SandboxGateway::Row {
    std::string state;
    std::string reason;
    std::string becomes;
    std::int64_t becomes_at = 0;
    Decimal captured;
    Decimal refunded;

    static Row read(const Rows& rows) {
        if (rows.empty()) return {};
        return {std::string(rows.text(0, 0)),
                std::string(rows.text(0, 1)),
                std::string(rows.text(0, 2)),
                rows.number(0, 3),
                Decimal::of_hundredths(rows.number(0, 4)),
                Decimal::of_hundredths(rows.number(0, 5))};
    }
    /// What time has made of it.
    Row at(std::int64_t now) const {
        if (state != "pending" || becomes_at > now) return *this;
        Row row = *this;
        row.state = std::exchange(row.becomes, "");
        return row;
    }
    Ruling ruling() const {
        if (state == "pending") return {Verdict::pending, {}};
        if (state == "declined" || state == "released") return {Verdict::declined, reason};
        return {Verdict::done, {}};
    }
};

/// What a call makes of a charge, and what it says to it. `silent`: it says nothing.
struct SandboxGateway::Outcome {
    Row row;
    Ruling ruling;
    std::vector<Statement> also;
    bool silent = false;
};

void SandboxGateway::read_and_write(kit::db::Session& session, const Charge& charge, std::int64_t now,
                                    const std::shared_ptr<Outcome>& outcome, Decide decide, kit::db::Done done) {
    auto read = [&session, charge, now, outcome, decide = std::move(decide),
                 done = std::move(done)](base::Result<Rows> rows) mutable {
        if (!rows) return done(std::unexpected(std::move(rows).error()));
        *outcome = decide(Row::read(*rows).at(now));
        const auto& row = outcome->row;
        auto statements = outcome->also;
        statements.push_back(
            {"INSERT INTO sandbox_charges (reference, amount, currency, state, reason, becomes, becomes_at, "
             "captured, refunded) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (reference) DO UPDATE "
             "SET state = excluded.state, reason = excluded.reason, becomes = excluded.becomes, "
             "captured = excluded.captured, refunded = excluded.refunded",
             {charge.reference, std::to_string(charge.amount.hundredths()), charge.currency, row.state, row.reason,
              row.becomes, std::to_string(row.becomes_at), std::to_string(row.captured.hundredths()),
              std::to_string(row.refunded.hundredths())}});
        kit::db::run_all(session, std::move(statements), std::move(done));
    };
    session.run(
        "SELECT state, reason, becomes, becomes_at, captured, refunded FROM sandbox_charges WHERE reference = $1",
        {charge.reference}, std::move(read));
}

void SandboxGateway::change(const Charge& charge, Decide decide, Ruled ruled) {
    const auto now = kit::db::milliseconds(loop_.now());
    auto outcome = std::make_shared<Outcome>();
    const auto dialect = database_.dialect();
    auto work = [charge, now, outcome, dialect, decide = std::move(decide)](kit::db::Session& session,
                                                                            kit::db::Done done) mutable {
        auto locked = [&session, charge, now, outcome, decide = std::move(decide),
                       done = std::move(done)](base::Result<Rows> lock) mutable {
            if (!lock) return done(std::unexpected(std::move(lock).error()));
            read_and_write(session, charge, now, outcome, std::move(decide), std::move(done));
        };
        // A charge that is not there yet has no row to lock. SQLite's writers are alone anyway.
        if (dialect == kit::db::Dialect::sqlite) return locked(Rows{});
        session.run("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", {charge.reference}, std::move(locked));
    };
    database_.transact(std::move(work), [outcome, ruled = std::move(ruled)](base::Result<void> done) mutable {
        if (!done) return ruled(std::unexpected(std::move(done).error()));
        if (!outcome->silent) ruled(std::move(outcome->ruling));
    });
}

void SandboxGateway::authorize(const Charge& charge, const Card& card, Ruled ruled) {
    const auto& known = card_numbered(card.number);
    if (known.behaviour == Behaviour::lose) return;  // dropping the callback is the silence
    const auto becomes_at = kit::db::milliseconds(loop_.now() + delay_);
    auto decide = [&known, becomes_at](const Row& row) {
        if (!row.state.empty()) return Outcome{row, row.ruling(), {}};
        Row made{.reason = std::string(known.reason)};
        switch (known.behaviour) {
            case Behaviour::decline:
                made.state = "declined";
                break;
            case Behaviour::approve_later:
            case Behaviour::decline_later:
                made.state = "pending";
                made.becomes = known.behaviour == Behaviour::approve_later ? "authorized" : "declined";
                made.becomes_at = becomes_at;
                break;
            default:
                made.state = "authorized";
        }
        return Outcome{made, made.ruling(), {}, known.behaviour == Behaviour::charge_silently};
    };
    change(charge, decide, std::move(ruled));
}

void SandboxGateway::settle(const Charge& charge, Ruled ruled) {
    auto decide = [](const Row& row) {
        if (!row.state.empty()) return Outcome{row, row.ruling(), {}};
        const Row refused{.state = "declined", .reason = "not_processed"};
        return Outcome{refused, refused.ruling(), {}};
    };
    change(charge, decide, std::move(ruled));
}

void SandboxGateway::capture(const Charge& charge, const std::string&, Decimal amount, Ruled ruled) {
    auto decide = [amount](Row row) {
        const bool again = row.state == "captured" && row.captured == amount;
        if (row.state != "authorized" && !again) {
            return Outcome{row, {Verdict::declined, "not_authorized"}, {}};
        }
        row.state = "captured";
        row.captured = amount;
        return Outcome{row, {Verdict::done, {}}, {}};
    };
    change(charge, decide, std::move(ruled));
}

void SandboxGateway::release(const Charge& charge, Ruled ruled) {
    auto decide = [](Row row) {
        if (row.state == "captured") return Outcome{row, {Verdict::declined, "already_captured"}, {}};
        if (row.state != "declined") row.state = "released";
        if (row.reason.empty()) row.reason = "voided";
        return Outcome{row, {Verdict::done, {}}, {}};
    };
    change(charge, decide, std::move(ruled));
}

void SandboxGateway::refund(const Charge& charge, const std::string& step_id, Decimal amount, Ruled ruled) {
    auto decide = [charge, step_id, amount](Row row) {
        if (row.state != "captured" || row.refunded + amount > row.captured) {
            return Outcome{row, {Verdict::declined, "more_than_captured"}, {}};
        }
        row.refunded = row.refunded + amount;
        std::vector<Statement> also{{"INSERT INTO sandbox_steps (id, reference, amount) VALUES ($1, $2, $3)",
                                     {step_id, charge.reference, std::to_string(amount.hundredths())}}};
        return Outcome{row, {Verdict::done, {}}, std::move(also)};
    };
    // A step that is known already fails the insert, and with it the whole transaction.
    change(charge, decide, [this, step_id, ruled = std::move(ruled)](base::Result<Ruling> said) mutable {
        if (said && said->verdict == Verdict::done) return ruled(std::move(said));
        if (!said && said.error().code != base::Code::already_exists) return ruled(std::move(said));
        auto found = [said = std::move(said), ruled = std::move(ruled)](base::Result<Rows> rows) mutable {
            if (!rows) return ruled(std::unexpected(std::move(rows).error()));
            if (!rows->empty()) return ruled(Ruling{Verdict::done, {}});
            ruled(std::move(said));
        };
        database_.run("SELECT id FROM sandbox_steps WHERE id = $1", {step_id}, std::move(found));
    });
}

}  // namespace payments
