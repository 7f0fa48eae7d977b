#include "payments/ledger.h"

#include <fmt/format.h>

#include "kit/db/due_work.h"
#include "kit/json_text.h"

namespace payments {
namespace {

using kit::Decimal;
using kit::db::Rows;

constexpr auto* customer_holds = "customer_holds";
constexpr auto* merchant_holds = "merchant_holds";
constexpr auto* gateway_receivable = "gateway_receivable";
constexpr auto* sales = "sales";
constexpr auto* refunds = "refunds";
constexpr int movements_max = 1000;  ///< of one payment that are shown

Movement between(std::string id, const std::string& payment_id, std::string kind, const std::string& debited,
                 const std::string& credited, Decimal amount) {
    return {std::move(id), payment_id, std::move(kind), {{debited, amount, {}}, {credited, {}, amount}}};
}

std::string balance_text(const Rows& sums, std::int64_t movements, std::int64_t unbalanced) {
    std::string text;
    kit::JsonText json(text);
    Decimal debits;
    Decimal credits;
    json.open('{').key("accounts").open('[');
    for (std::size_t row = 0; row < sums.size(); ++row) {
        const auto debit = Decimal::of_hundredths(sums.number(row, 2));
        const auto credit = Decimal::of_hundredths(sums.number(row, 3));
        debits = debits + debit;
        credits = credits + credit;
        json.open('{').field("account", sums.text(row, 0)).field("currency", sums.text(row, 1));
        json.field("debits", debit).field("credits", credit).field("balance", debit - credit).close('}');
    }
    json.close(']').field("debits", debits).field("credits", credits).field("difference", debits - credits);
    json.field("movements", movements).field("unbalanced_movements", unbalanced);
    json.field("balanced", debits == credits && unbalanced == 0).close('}');
    return text;
}

}  // namespace

Movement hold(const std::string& payment_id, Decimal amount) {
    return between(fmt::format("{}-hold", payment_id), payment_id, "hold", customer_holds, merchant_holds, amount);
}

Movement unhold(const std::string& payment_id, Decimal amount) {
    return between(fmt::format("{}-unhold", payment_id), payment_id, "unhold", merchant_holds, customer_holds, amount);
}

Movement capture(const std::string& id, const std::string& payment_id, Decimal amount) {
    return between(id, payment_id, "capture", gateway_receivable, sales, amount);
}

Movement refund(const std::string& id, const std::string& payment_id, Decimal amount) {
    return between(id, payment_id, "refund", refunds, gateway_receivable, amount);
}

bool balances(const Movement& movement) {
    Decimal sum;
    for (const auto& entry : movement.entries) sum = sum + entry.debit - entry.credit;
    return sum == Decimal() && !movement.entries.empty();
}

kit::db::Migration Ledger::migration(int version) {
    static constexpr auto* sql = R"(CREATE TABLE movements (
        id TEXT PRIMARY KEY, payment_id TEXT NOT NULL, kind TEXT NOT NULL, currency TEXT NOT NULL,
        booked_at BIGINT NOT NULL);
        CREATE INDEX movements_payment ON movements (payment_id, booked_at);
        CREATE TABLE entries (
        movement_id TEXT NOT NULL REFERENCES movements (id), line INTEGER NOT NULL, account TEXT NOT NULL,
        debit BIGINT NOT NULL CHECK (debit >= 0), credit BIGINT NOT NULL CHECK (credit >= 0),
        CHECK ((debit = 0) <> (credit = 0)), PRIMARY KEY (movement_id, line)))";
    return {version, "ledger", sql, sql};
}

void Ledger::book(std::vector<kit::db::Statement>& into, const Movement& movement, const std::string& currency,
                  run::Time now) {
    base::check(balances(movement), "a movement's debits are its credits");
    into.push_back(
        {"INSERT INTO movements (id, payment_id, kind, currency, booked_at) VALUES ($1, $2, $3, $4, $5)",
         {movement.id, movement.payment_id, movement.kind, currency, std::to_string(kit::db::milliseconds(now))}});
    int line = 0;
    for (const auto& entry : movement.entries) {
        into.push_back({"INSERT INTO entries (movement_id, line, account, debit, credit) VALUES ($1, $2, $3, $4, $5)",
                        {movement.id, std::to_string(++line), entry.account, std::to_string(entry.debit.hundredths()),
                         std::to_string(entry.credit.hundredths())}});
    }
}

void Ledger::balance(Text done) {
    // One statement each: sums over what is committed at that moment.
    auto summed = [this, done = std::move(done)](base::Result<Rows> sums) mutable {
        if (!sums) return done(std::unexpected(std::move(sums).error()));
        auto counted = [sums = std::move(*sums), done = std::move(done)](base::Result<Rows> rows) mutable {
            if (!rows) return done(std::unexpected(std::move(rows).error()));
            done(balance_text(sums, rows->number(0, 0), rows->number(0, 1)));
        };
        database_.run(
            "SELECT COUNT(*), COALESCE(SUM(CASE WHEN d <> c THEN 1 ELSE 0 END), 0) FROM (SELECT movements.id, "
            "COALESCE(SUM(debit), 0) AS d, COALESCE(SUM(credit), -1) AS c FROM movements LEFT JOIN entries ON "
            "movement_id = movements.id GROUP BY movements.id) AS sums",
            {}, std::move(counted));
    };
    database_.run(
        "SELECT account, currency, SUM(debit), SUM(credit) FROM entries JOIN movements ON movement_id = movements.id "
        "GROUP BY account, currency ORDER BY account, currency",
        {}, std::move(summed));
}

void Ledger::movements_of(const std::string& payment_id, Text done) {
    database_.run(
        fmt::format("SELECT id, kind, currency, account, debit, credit, booked_at FROM movements JOIN entries ON "
                    "movement_id = id WHERE payment_id = $1 ORDER BY booked_at, id, line LIMIT {}",
                    movements_max),
        {payment_id}, [done = std::move(done)](base::Result<Rows> rows) mutable {
            if (!rows) return done(std::unexpected(std::move(rows).error()));
            std::string text;
            kit::JsonText json(text);
            json.open('{').key("items").open('[');
            for (std::size_t row = 0; row < rows->size(); ++row) {
                const auto booked = kit::db::time_of(rows->number(row, 6));
                json.open('{').field("movement", rows->text(row, 0)).field("kind", rows->text(row, 1));
                json.field("currency", rows->text(row, 2)).field("account", rows->text(row, 3));
                json.field("debit", Decimal::of_hundredths(rows->number(row, 4)));
                json.field("credit", Decimal::of_hundredths(rows->number(row, 5)));
                json.field("booked_at", base::rfc3339_micro(booked)).close('}');
            }
            json.close(']').close('}');
            done(std::move(text));
        });
}

}  // namespace payments
