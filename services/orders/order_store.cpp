#include "orders/order_store.h"

#include <fmt/format.h>

#include "kit/db/due_work.h"

namespace orders {
namespace {

using kit::Decimal;
using kit::db::Parameters;
using kit::db::Rows;
using kit::db::Session;
using kit::db::Statement;
using kit::db::time_of;

constexpr auto* columns =
    "id, user_id, email, vehicle_id, vehicle, brand, dealer_id, amount, currency, stage, goal, attempt, attempt_key, "
    "payment_id, reason, request, traceparent, expires_at, created_at, updated_at, paid_at, confirmed_at, revision, "
    "lease_until";
constexpr int history_max = 1000;
constexpr int simple_max = 1000;

std::optional<run::Time> time_in(const Rows& rows, std::size_t row, std::size_t column) {
    if (rows.null(row, column)) return std::nullopt;
    return time_of(rows.number(row, column));
}

Order order_in(const Rows& rows, std::size_t row) {
    const auto text = [&](std::size_t column) { return std::string(rows.text(row, column)); };
    return {.id = text(0),
            .user_id = text(1),
            .email = text(2),
            .vehicle_id = rows.number(row, 3),
            .vehicle = text(4),
            .brand = text(5),
            .dealer_id = text(6),
            .amount = Decimal::of_hundredths(rows.number(row, 7)),
            .currency = text(8),
            .stage = stage_named(rows.text(row, 9)).value_or(Stage::placing),
            .goal = stage_named(rows.text(row, 10)).value_or(Stage::placing),
            .attempt = text(11),
            .attempt_key = text(12),
            .payment_id = text(13),
            .reason = text(14),
            .request = text(15),
            .traceparent = text(16),
            .expires_at = time_of(rows.number(row, 17)),
            .created_at = time_of(rows.number(row, 18)),
            .updated_at = time_of(rows.number(row, 19)),
            .paid_at = time_in(rows, row, 20),
            .confirmed_at = time_in(rows, row, 21),
            .revision = rows.number(row, 22),
            .lease_until = rows.number(row, 23)};
}

std::string number(std::int64_t value) { return std::to_string(value); }
std::string number(run::Time value) { return std::to_string(kit::db::milliseconds(value)); }
kit::db::Parameter number(const std::optional<run::Time>& value) {
    return value ? kit::db::Parameter(number(*value)) : std::nullopt;
}

std::string due(const Order& order, run::Time now) {
    const auto at = due_at(order, now);
    return at ? number(*at) : number(kit::db::never);
}

auto one_order(std::string id, Answer<Order> answer) {
    return [id = std::move(id), answer = std::move(answer)](base::Result<Rows> rows) mutable {
        if (!rows) return answer(std::unexpected(std::move(rows).error()));
        if (rows->empty()) return answer(base::fail(base::Code::not_found, fmt::format("there is no order {}", id)));
        answer(order_in(*rows, 0));
    };
}

kit::db::Migration orders_table(int version) {
    static constexpr auto* sql = R"(CREATE TABLE orders (
        id TEXT PRIMARY KEY, user_id TEXT NOT NULL, email TEXT NOT NULL, vehicle_id BIGINT NOT NULL,
        vehicle TEXT NOT NULL, brand TEXT NOT NULL, dealer_id TEXT NOT NULL,
        amount BIGINT NOT NULL CHECK (amount >= 0), currency TEXT NOT NULL, stage TEXT NOT NULL, goal TEXT NOT NULL,
        attempt TEXT NOT NULL, attempt_key TEXT NOT NULL, payment_id TEXT NOT NULL, reason TEXT NOT NULL,
        request TEXT NOT NULL, traceparent TEXT NOT NULL, expires_at BIGINT NOT NULL, created_at BIGINT NOT NULL,
        updated_at BIGINT NOT NULL, paid_at BIGINT, confirmed_at BIGINT, revision BIGINT NOT NULL,
        due_at BIGINT NOT NULL, lease_until BIGINT NOT NULL, tries INTEGER NOT NULL DEFAULT 0);
        CREATE INDEX orders_user ON orders (user_id, created_at);
        CREATE INDEX orders_dealer ON orders (dealer_id, created_at);
        CREATE INDEX orders_created ON orders (created_at);
        CREATE INDEX orders_due ON orders (due_at) WHERE due_at < 9000000000000000;
        CREATE TABLE order_history (order_id TEXT NOT NULL, revision BIGINT NOT NULL, at BIGINT NOT NULL,
        state TEXT NOT NULL, happening TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (order_id, revision)))";
    return {version, "orders", sql, sql};
}

kit::db::Migration simple_table(int version) {
    static constexpr auto* front = "CREATE TABLE simple_orders (number ";
    static constexpr auto* rest = R"(, order_id TEXT NOT NULL UNIQUE, user_id TEXT NOT NULL, item TEXT NOT NULL,
        quantity BIGINT NOT NULL CHECK (quantity > 0));
        CREATE INDEX simple_orders_user ON simple_orders (user_id, number))";
    return {version, "simple_orders", fmt::format("{}INTEGER PRIMARY KEY AUTOINCREMENT{}", front, rest),
            fmt::format("{}BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY{}", front, rest)};
}

/// The stages that clients know by one name.
std::string stages_of(std::string_view state) {
    if (state == "paying") return "'paying','pending'";
    if (state == "paid") return "'selling','capturing'";
    if (state == "refunding") return "'refunding'";
    const auto stage = stage_named(state);
    return fmt::format("'{}'", stage ? name_of(*stage) : std::string_view("none"));
}

std::string where_of(const Filter& filter, Parameters& parameters) {
    std::string where = " WHERE stage <> 'placing' AND goal <> 'rejected' AND vehicle_id > 0";
    const auto only = [&](const char* column, const std::string& value) {
        if (value.empty()) return;
        parameters.emplace_back(value);
        where += fmt::format(" AND {} = ${}", column, parameters.size());
    };
    only("user_id", filter.user_id);
    only("dealer_id", filter.dealer_id);
    if (!filter.state.empty()) where += fmt::format(" AND stage IN ({})", stages_of(filter.state));
    return where;
}

Simple simple_in(const Rows& rows, std::size_t row) {
    return {.number = rows.number(row, 0),
            .order_id = std::string(rows.text(row, 1)),
            .user_id = std::string(rows.text(row, 2)),
            .item = std::string(rows.text(row, 3)),
            .quantity = rows.number(row, 4)};
}

}  // namespace

std::vector<kit::db::Migration> migrations() {
    return {orders_table(1), kit::db::Idempotency::migration(2), simple_table(3), kit::db::Outbox::migration(4)};
}

void OrderStore::find(const std::string& id, Answer<Order> answer) {
    database_.run(fmt::format("SELECT {} FROM orders WHERE id = $1", columns), {id}, one_order(id, std::move(answer)));
}

void OrderStore::find(Session& session, const std::string& id, Answer<Order> answer) {
    const auto* lock = database_.dialect() == kit::db::Dialect::postgres ? " FOR UPDATE" : "";
    session.run(fmt::format("SELECT {} FROM orders WHERE id = $1{}", columns, lock), {id},
                one_order(id, std::move(answer)));
}

void OrderStore::list(const Filter& filter, Answer<Page> answer) {
    kit::db::PageQuery query{.columns = columns,
                             .order = "created_at DESC, id",
                             .page = filter.paging.page,
                             .per_page = filter.paging.per_page};
    query.from = fmt::format("orders{}", where_of(filter, query.parameters));
    kit::db::read_items(database_, std::move(query), order_in, std::move(answer));
}

void OrderStore::history(const std::string& id, Answer<std::vector<HistoryStep>> answer) {
    auto read = [answer = std::move(answer)](base::Result<Rows> rows) mutable {
        if (!rows) return answer(std::unexpected(std::move(rows).error()));
        std::vector<HistoryStep> steps;
        for (std::size_t row = 0; row < rows->size(); ++row) {
            steps.push_back({std::string(rows->text(row, 0)), std::string(rows->text(row, 1)),
                             std::string(rows->text(row, 2)), time_of(rows->number(row, 3))});
        }
        answer(std::move(steps));
    };
    database_.run(fmt::format("SELECT state, happening, reason, at FROM order_history WHERE order_id = $1 ORDER BY "
                              "revision LIMIT {}",
                              history_max),
                  {id}, std::move(read));
}

void OrderStore::figures(const Figures& figures, Answer<std::vector<DayFigures>> answer) {
    Parameters parameters{number(figures.from_day * 86'400'000), number((figures.to_day + 1) * 86'400'000)};
    std::string brand;
    if (!figures.brand.empty()) {
        brand = " AND brand = $3";
        parameters.emplace_back(figures.brand);
    }
    auto read = [answer = std::move(answer)](base::Result<Rows> rows) mutable {
        if (!rows) return answer(std::unexpected(std::move(rows).error()));
        std::vector<DayFigures> days;
        for (std::size_t row = 0; row < rows->size(); ++row) {
            days.push_back({rows->number(row, 0), std::string(rows->text(row, 1)), rows->number(row, 2),
                            rows->number(row, 3), rows->number(row, 4), Decimal::of_hundredths(rows->number(row, 5))});
        }
        answer(std::move(days));
    };
    database_.run(
        fmt::format("SELECT created_at / 86400000 AS day, stage, COUNT(*), COUNT(paid_at), COUNT(confirmed_at), "
                    "COALESCE(SUM(CASE WHEN stage = 'confirmed' THEN amount ELSE 0 END), 0) FROM orders WHERE "
                    "stage <> 'placing' AND goal <> 'rejected' AND vehicle_id > 0 AND created_at >= CAST($1 AS BIGINT) "
                    "AND created_at < "
                    "CAST($2 AS BIGINT){} GROUP BY created_at / 86400000, stage ORDER BY day, stage",
                    brand),
        std::move(parameters), std::move(read));
}

void OrderStore::simple_orders(const std::string& user_id, Answer<std::vector<Simple>> answer) {
    auto read = [answer = std::move(answer)](base::Result<Rows> rows) mutable {
        if (!rows) return answer(std::unexpected(std::move(rows).error()));
        std::vector<Simple> found;
        for (auto row = rows->size(); row-- > 0;) found.push_back(simple_in(*rows, row));
        answer(std::move(found));
    };
    database_.run(fmt::format("SELECT number, order_id, user_id, item, quantity FROM simple_orders WHERE user_id = $1 "
                              "ORDER BY number DESC LIMIT {}",
                              simple_max),
                  {user_id}, std::move(read));
}

void OrderStore::simple_order(const std::string& order_id, Answer<Simple> answer) {
    auto read = [answer = std::move(answer)](base::Result<Rows> rows) mutable {
        if (!rows) return answer(std::unexpected(std::move(rows).error()));
        if (rows->empty()) return answer(base::fail(base::Code::not_found, "there is no such order"));
        answer(simple_in(*rows, 0));
    };
    database_.run("SELECT number, order_id, user_id, item, quantity FROM simple_orders WHERE order_id = $1", {order_id},
                  std::move(read));
}

void OrderStore::count_orders(const std::string& user_id, Answer<std::int64_t> answer) {
    database_.run("SELECT COUNT(*) FROM (SELECT 1 FROM orders WHERE user_id = $1 AND vehicle_id > 0 LIMIT 1) AS one",
                  {user_id}, [answer = std::move(answer)](base::Result<Rows> rows) mutable {
                      if (!rows) return answer(std::unexpected(std::move(rows).error()));
                      answer(rows->number(0, 0));
                  });
}

Statement OrderStore::insert(const Order& order, std::int64_t lease_until) {
    return {
        fmt::format("INSERT INTO orders ({}, due_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, "
                    "$14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25)",
                    columns),
        {order.id,
         order.user_id,
         order.email,
         number(order.vehicle_id),
         order.vehicle,
         order.brand,
         order.dealer_id,
         number(order.amount.hundredths()),
         order.currency,
         std::string(name_of(order.stage)),
         std::string(name_of(order.goal)),
         order.attempt,
         order.attempt_key,
         order.payment_id,
         order.reason,
         order.request,
         order.traceparent,
         number(order.expires_at),
         number(order.created_at),
         number(order.updated_at),
         number(order.paid_at),
         number(order.confirmed_at),
         number(order.revision),
         number(lease_until),
         due(order, order.created_at)}};
}

Statement OrderStore::update(const Order& order, std::int64_t revision, std::int64_t lease_until, run::Time now) {
    return {
        "UPDATE orders SET vehicle = $1, brand = $2, dealer_id = $3, amount = $4, stage = $5, goal = $6, "
        "attempt = $7, attempt_key = $8, payment_id = $9, reason = $10, updated_at = $11, paid_at = $12, "
        "confirmed_at = $13, revision = revision + 1, tries = 0, lease_until = $14, due_at = $15 "
        "WHERE id = $16 AND revision = $17",
        {order.vehicle, order.brand, order.dealer_id, number(order.amount.hundredths()),
         std::string(name_of(order.stage)), std::string(name_of(order.goal)), order.attempt, order.attempt_key,
         order.payment_id, order.reason, number(order.updated_at), number(order.paid_at), number(order.confirmed_at),
         number(lease_until), due(order, now), order.id, number(revision)},
        kit::db::Guard::must_touch};
}

Statement OrderStore::remember(const Order& order, std::string_view happening) {
    return {
        "INSERT INTO order_history (order_id, revision, at, state, happening, reason) VALUES ($1, $2, $3, $4, $5, $6)",
        {order.id, number(order.revision), number(order.updated_at), std::string(state_of(order)),
         std::string(happening), order.reason}};
}

Statement OrderStore::insert(const Simple& simple) {
    return {"INSERT INTO simple_orders (order_id, user_id, item, quantity) VALUES ($1, $2, $3, $4)",
            {simple.order_id, simple.user_id, simple.item, number(simple.quantity)}};
}

}  // namespace orders
