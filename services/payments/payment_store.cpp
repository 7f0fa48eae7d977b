#include "payments/payment_store.h"

#include <fmt/format.h>

#include "kit/db/due_work.h"
#include "payments/sandbox_gateway.h"
#include "payments/webhooks.h"

namespace payments {
namespace {

using kit::Decimal;
using kit::db::Parameters;
using kit::db::Rows;
using kit::db::Session;
using kit::db::Statement;
using kit::db::time_of;

constexpr auto* columns =
    "id, order_id, user_id, email, amount, currency, status, reason, brand, last4, captured, refunded, "
    "capture_at_once, "
    "request, step, step_id, step_amount, step_request, told_pending, created_at, updated_at, due_at, revision, "
    "lease_until";

Payment payment_in(const Rows& rows, std::size_t row) {
    const auto text = [&](std::size_t column) { return std::string(rows.text(row, column)); };
    const auto money = [&](std::size_t column) { return Decimal::of_hundredths(rows.number(row, column)); };
    return {.id = text(0),
            .order_id = text(1),
            .user_id = text(2),
            .email = text(3),
            .amount = money(4),
            .currency = text(5),
            .status = status_named(rows.text(row, 6)).value_or(Status::pending),
            .reason = text(7),
            .brand = text(8),
            .last4 = text(9),
            .captured = money(10),
            .refunded = money(11),
            .capture_when = rows.number(row, 12) != 0 ? CaptureWhen::at_once : CaptureWhen::asked,
            .request = text(13),
            .step = step_named(rows.text(row, 14)),
            .step_id = text(15),
            .step_amount = money(16),
            .step_request = text(17),
            .told_pending = rows.number(row, 18) != 0,
            .created_at = time_of(rows.number(row, 19)),
            .updated_at = time_of(rows.number(row, 20)),
            .due_at = time_of(rows.number(row, 21)),
            .revision = rows.number(row, 22),
            .lease_until = rows.number(row, 23)};
}

std::string number(std::int64_t value) { return std::to_string(value); }
std::string number(Decimal value) { return std::to_string(value.hundredths()); }
std::string number(run::Time value) { return std::to_string(kit::db::milliseconds(value)); }

std::string due_of(const Payment& payment) {
    return payment.step == Step::none ? number(kit::db::never) : number(payment.due_at);
}

base::Error not_found(const std::string& id) {
    return {base::Code::not_found, fmt::format("there is no payment {}", id)};
}

auto one_payment(std::string id, Answer<Payment> answer) {
    return [id = std::move(id), answer = std::move(answer)](base::Result<Rows> rows) mutable {
        if (!rows) return answer(std::unexpected(std::move(rows).error()));
        if (rows->empty()) return answer(std::unexpected(not_found(id)));
        answer(payment_in(*rows, 0));
    };
}

kit::db::Migration payments_table(int version) {
    static constexpr auto* sql = R"(CREATE TABLE payments (
        id TEXT PRIMARY KEY, order_id TEXT NOT NULL, user_id TEXT NOT NULL, email TEXT NOT NULL,
        amount BIGINT NOT NULL CHECK (amount >= 0), currency TEXT NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL,
        brand TEXT NOT NULL, last4 TEXT NOT NULL, captured BIGINT NOT NULL, refunded BIGINT NOT NULL,
        capture_at_once INTEGER NOT NULL, request TEXT NOT NULL, step TEXT NOT NULL, step_id TEXT NOT NULL,
        step_amount BIGINT NOT NULL, step_request TEXT NOT NULL, told_pending INTEGER NOT NULL,
        created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, revision BIGINT NOT NULL,
        due_at BIGINT NOT NULL, lease_until BIGINT NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
        CHECK (captured <= amount AND refunded <= captured));
        CREATE INDEX payments_order ON payments (order_id);
        CREATE INDEX payments_user ON payments (user_id, created_at);
        CREATE INDEX payments_created ON payments (created_at);
        CREATE INDEX payments_due ON payments (due_at) WHERE due_at < 9000000000000000)";
    return {version, "payments", sql, sql};
}

/// WHERE of a filter; its values are appended to `parameters`.
std::string where_of(const Filter& filter, Parameters& parameters) {
    std::string where;
    const auto only = [&](const char* column, const std::string& value) {
        if (value.empty()) return;
        parameters.emplace_back(value);
        where += fmt::format("{} {} = ${}", where.empty() ? " WHERE" : " AND", column, parameters.size());
    };
    only("order_id", filter.order_id);
    only("user_id", filter.user_id);
    return where;
}

}  // namespace

std::vector<kit::db::Migration> migrations() {
    return {payments_table(1),      kit::db::Idempotency::migration(2),
            Ledger::migration(3),   SandboxGateway::migration(4),
            Webhooks::migration(5), kit::db::Outbox::migration(6)};
}

void PaymentStore::find(const std::string& id, Answer<Payment> answer) {
    database_.run(fmt::format("SELECT {} FROM payments WHERE id = $1", columns), {id},
                  one_payment(id, std::move(answer)));
}

void PaymentStore::find(Session& session, const std::string& id, Answer<Payment> answer) {
    session.run(fmt::format("SELECT {} FROM payments WHERE id = $1", columns), {id},
                one_payment(id, std::move(answer)));
}

void PaymentStore::list(const Filter& filter, Answer<Page> answer) {
    kit::db::PageQuery query{.columns = columns,
                             .order = "created_at DESC, id",
                             .page = filter.paging.page,
                             .per_page = filter.paging.per_page};
    query.from = fmt::format("payments{}", where_of(filter, query.parameters));
    kit::db::read_items(database_, std::move(query), payment_in, std::move(answer));
}

void PaymentStore::open(const Payment& payment, const std::string& hash, std::optional<kit::db::KeptAnswer> answer,
                        std::int64_t lease_until, Answer<Opened> done) {
    auto opened = std::make_shared<Opened>();
    auto work = [=, this](Session& session, kit::db::Done finish) {
        auto known = [=, this, &session,
                      finish = std::move(finish)](base::Result<std::optional<kit::db::KnownRequest>> found) mutable {
            if (!found) return finish(std::unexpected(std::move(found).error()));
            opened->known = std::move(*found);
            if (opened->known) return finish({});
            std::vector<Statement> statements{
                kit::db::Idempotency::begin(payment.request, hash, payment.id, clock_.now()),
                insert(payment, lease_until)};
            if (answer) statements.push_back(kit::db::Idempotency::finish(payment.request, *answer));
            kit::db::run_all(session, std::move(statements), std::move(finish));
        };
        kit::db::Idempotency::find(session, payment.request, hash, std::move(known));
    };
    database_.transact(std::move(work), [opened, done = std::move(done)](base::Result<void> result) mutable {
        if (!result) return done(std::unexpected(std::move(result).error()));
        done(std::move(*opened));
    });
}

void PaymentStore::known(const std::string& scoped_key, Answer<std::optional<kit::db::KnownRequest>> done) {
    auto found = std::make_shared<std::optional<kit::db::KnownRequest>>();
    auto work = [found, scoped_key](Session& session, kit::db::Done finish) {
        kit::db::Idempotency::find(
            session, scoped_key, std::string(kit::db::any_request),
            [found, finish = std::move(finish)](base::Result<std::optional<kit::db::KnownRequest>> known) mutable {
                if (!known) return finish(std::unexpected(std::move(known).error()));
                *found = std::move(*known);
                finish({});
            });
    };
    database_.transact(std::move(work), [found, done = std::move(done)](base::Result<void> result) mutable {
        if (!result) return done(std::unexpected(std::move(result).error()));
        done(std::move(*found));
    });
}

Statement PaymentStore::insert(const Payment& payment, std::int64_t lease_until) {
    return {
        fmt::format("INSERT INTO payments ({}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, "
                    "$15, $16, $17, $18, $19, $20, $21, $22, $23, $24)",
                    columns),
        {payment.id,
         payment.order_id,
         payment.user_id,
         payment.email,
         number(payment.amount),
         payment.currency,
         std::string(name_of(payment.status)),
         payment.reason,
         payment.brand,
         payment.last4,
         number(payment.captured),
         number(payment.refunded),
         payment.capture_when == CaptureWhen::at_once ? "1" : "0",
         payment.request,
         std::string(name_of(payment.step)),
         payment.step_id,
         number(payment.step_amount),
         payment.step_request,
         payment.told_pending ? "1" : "0",
         number(payment.created_at),
         number(payment.updated_at),
         due_of(payment),
         number(payment.revision),
         number(lease_until)}};
}

Statement PaymentStore::update(const Payment& payment, std::int64_t revision, std::int64_t lease_until) {
    return {
        "UPDATE payments SET status = $1, reason = $2, captured = $3, refunded = $4, step = $5, step_id = $6, "
        "step_amount = $7, step_request = $8, told_pending = $9, updated_at = $10, due_at = $11, lease_until = $12, "
        "tries = 0, revision = revision + 1 WHERE id = $13 AND revision = $14",
        {std::string(name_of(payment.status)), payment.reason, number(payment.captured), number(payment.refunded),
         std::string(name_of(payment.step)), payment.step_id, number(payment.step_amount), payment.step_request,
         payment.told_pending ? "1" : "0", number(payment.updated_at), due_of(payment), number(lease_until), payment.id,
         number(revision)},
        kit::db::Guard::must_touch};
}

}  // namespace payments
