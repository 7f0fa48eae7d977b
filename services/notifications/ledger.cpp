#include "notifications/ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "kit/db/due_work.h"

namespace notifications {
namespace {

using kit::db::Done;
using kit::db::Parameters;
using kit::db::Rows;
using kit::db::Session;

constexpr std::string_view tables = R"(
    CREATE TABLE events (id TEXT PRIMARY KEY, type TEXT NOT NULL, body TEXT NOT NULL, taken_at BIGINT NOT NULL);
    CREATE INDEX events_taken_at ON events (taken_at);
    CREATE TABLE deliveries (
        id TEXT PRIMARY KEY, event_id TEXT NOT NULL REFERENCES events (id) ON DELETE CASCADE, channel TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sending', 'sent', 'dead')),
        attempts INTEGER NOT NULL DEFAULT 0, problem TEXT NOT NULL DEFAULT '', changed_at BIGINT NOT NULL,
        due_at BIGINT NOT NULL, lease_until BIGINT NOT NULL DEFAULT 0, tries INTEGER NOT NULL DEFAULT 0,
        UNIQUE (event_id, channel));
    CREATE INDEX deliveries_due ON deliveries (due_at) WHERE due_at < 9000000000000000;
    CREATE INDEX deliveries_dead ON deliveries (changed_at) WHERE state = 'dead';
    CREATE TABLE notices (
        number {}, event_id TEXT NOT NULL UNIQUE REFERENCES events (id) ON DELETE CASCADE,
        user_id TEXT NOT NULL, type TEXT NOT NULL, subject TEXT NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL,
        at BIGINT NOT NULL, read_at BIGINT);
    CREATE INDEX notices_user ON notices (user_id, number);
    CREATE INDEX notices_unread ON notices (user_id) WHERE read_at IS NULL)";

constexpr auto notice_columns = "number, event_id, user_id, type, subject, title, text, at, read_at";
constexpr int since_max = 100;
constexpr int forget_max = 500;

Notice notice_in(const Rows& rows, std::size_t row) {
    const auto text = [&](std::size_t column) { return std::string(rows.text(row, column)); };
    return {.number = rows.number(row, 0),
            .id = text(1),
            .user_id = text(2),
            .type = text(3),
            .subject = text(4),
            .title = text(5),
            .text = text(6),
            .at = rows.number(row, 7),
            .read = !rows.null(row, 8)};
}

constexpr auto delivery_columns =
    "d.id, d.event_id, d.channel, e.type, d.state, d.attempts, d.problem, d.changed_at, e.body";

Delivery delivery_in(const Rows& rows, std::size_t row) {
    const auto text = [&](std::size_t column) { return std::string(rows.text(row, column)); };
    return {.id = text(0),
            .event_id = text(1),
            .channel = text(2),
            .type = text(3),
            .state = text(4),
            .attempts = rows.number(row, 5),
            .problem = text(6),
            .at = rows.number(row, 7),
            .body = text(8)};
}

/// Writes events one after the other within a transaction.
struct Taking : std::enable_shared_from_this<Taking> {
    std::vector<Intended> events;
    std::int64_t now = 0;
    Taken taken;
    Session* session = nullptr;
    Done done;
    std::size_t at = 0;
    std::size_t channel = 0;

    void next() {
        if (at == events.size()) return done({});
        const auto& event = events[at].event;
        session->run(
            "INSERT INTO events (id, type, body, taken_at) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING "
            "RETURNING id",
            {event.id, event.type, event.body, std::to_string(now)},
            [self = shared_from_this()](base::Result<Rows> rows) {
                if (!rows) return self->done(std::unexpected(std::move(rows).error()));
                if (!rows->empty()) return ++self->taken.added, self->add_notice();
                ++self->taken.repeated;
                ++self->at;
                self->next();
            });
    }

    void add_notice() {
        const auto& [event, channels, title, text] = events[at];
        channel = 0;
        if (title.empty() || event.user_id.empty()) return add_delivery();
        session->run(
            "INSERT INTO notices (event_id, user_id, type, subject, title, text, at) VALUES ($1, $2, $3, $4, $5, $6, "
            "$7)",
            {event.id, event.user_id, event.type, event.subject, title, text, std::to_string(now)},
            [self = shared_from_this()](base::Result<Rows> rows) {
                if (!rows) return self->done(std::unexpected(std::move(rows).error()));
                self->add_delivery();
            });
    }

    void add_delivery() {
        const auto& one = events[at];
        if (channel == one.channels.size()) return ++at, next();
        const auto& name = one.channels[channel++];
        session->run("INSERT INTO deliveries (id, event_id, channel, changed_at, due_at) VALUES ($1, $2, $3, $4, $4)",
                     {fmt::format("{}:{}", one.event.id, name), one.event.id, name, std::to_string(now)},
                     [self = shared_from_this()](base::Result<Rows> rows) {
                         if (!rows) return self->done(std::unexpected(std::move(rows).error()));
                         self->add_delivery();
                     });
    }
};

/// An answer for statements whose rows say nothing.
kit::db::RowsDone without_rows(Answer<void> answer) {
    return [answer = std::move(answer)](base::Result<Rows> rows) mutable {
        answer(rows ? base::Result<void>{} : std::unexpected(std::move(rows).error()));
    };
}

}  // namespace

std::vector<kit::db::Migration> Ledger::migrations() {
    return {{.version = 1,
             .name = "notifications",
             .sqlite = fmt::format(tables, "INTEGER PRIMARY KEY AUTOINCREMENT"),
             .postgres = fmt::format(tables, "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY")}};
}

std::int64_t Ledger::now() const { return kit::db::milliseconds(clock_.now()); }

void Ledger::write(std::string sql, Parameters parameters, Answer<void> answer) {
    database_.run(std::move(sql), std::move(parameters), without_rows(std::move(answer)));
}

void Ledger::take(std::vector<Intended> events, Answer<Taken> answer) {
    // In one order whoever sends them, so that two replicas never wait for each other.
    std::ranges::sort(events, {}, [](const Intended& one) { return one.event.id; });
    const auto taking = std::make_shared<Taking>();
    taking->events = std::move(events);
    taking->now = now();
    database_.transact(
        [taking](Session& session, Done done) {
            taking->session = &session;
            taking->done = std::move(done);
            taking->next();
        },
        [taking, answer = std::move(answer)](base::Result<void> result) mutable {
            if (!result) return answer(std::unexpected(std::move(result).error()));
            answer(taking->taken);
        });
}

void Ledger::notices(std::string user, Page page, Answer<Notices> answer) {
    kit::db::PageQuery query{.columns = notice_columns,
                             .from = "notices WHERE user_id = $1",
                             .order = "number DESC",
                             .parameters = {user},
                             .page = page.page,
                             .per_page = page.per_page};
    auto listed = [this, user, answer = std::move(answer)](base::Result<kit::db::ItemsPage<Notice>>&& read) mutable {
        if (!read) return answer(std::unexpected(std::move(read).error()));
        auto counted = [read = std::move(*read), answer = std::move(answer)](base::Result<Rows> rows) mutable {
            if (!rows) return answer(std::unexpected(std::move(rows).error()));
            answer(Notices{std::move(read.items), read.total, rows->number(0, 0)});
        };
        database_.run("SELECT COUNT(*) FROM notices WHERE user_id = $1 AND read_at IS NULL", {user},
                      std::move(counted));
    };
    kit::db::read_items(database_, std::move(query), notice_in, Answer<kit::db::ItemsPage<Notice>>(std::move(listed)));
}

void Ledger::notices_since(std::string user, std::int64_t number, Answer<std::vector<Notice>> answer) {
    auto sql = fmt::format(
        "SELECT {} FROM notices WHERE user_id = $1 AND number > CAST($2 AS BIGINT) ORDER BY number "
        "LIMIT {}",
        notice_columns, since_max);
    database_.run(std::move(sql), {std::move(user), std::to_string(number)},
                  [answer = std::move(answer)](base::Result<Rows> rows) mutable {
                      if (!rows) return answer(std::unexpected(std::move(rows).error()));
                      std::vector<Notice> notices;
                      for (std::size_t row = 0; row < rows->size(); ++row) notices.push_back(notice_in(*rows, row));
                      answer(std::move(notices));
                  });
}

void Ledger::mark_read(std::string user, std::string id, Answer<void> answer) {
    Parameters parameters{std::to_string(now()), std::move(user)};
    std::string sql = "UPDATE notices SET read_at = COALESCE(read_at, CAST($1 AS BIGINT)) WHERE user_id = $2";
    if (id.empty()) {
        sql += " AND read_at IS NULL";
    } else {
        sql += " AND event_id = $3";
        parameters.emplace_back(id);
    }
    database_.run(std::move(sql), std::move(parameters),
                  [id = std::move(id), answer = std::move(answer)](base::Result<Rows> rows) mutable {
                      if (!rows) return answer(std::unexpected(std::move(rows).error()));
                      if (!id.empty() && rows->affected == 0) {
                          return answer(base::fail(base::Code::not_found, "you have no notification of that id"));
                      }
                      answer({});
                  });
}

void Ledger::delivery(const std::string& id, Answer<Delivery> answer) {
    database_.run(
        fmt::format("SELECT {} FROM deliveries d JOIN events e ON e.id = d.event_id WHERE d.id = $1", delivery_columns),
        {id}, [answer = std::move(answer)](base::Result<Rows> rows) mutable {
            if (!rows) return answer(std::unexpected(std::move(rows).error()));
            if (rows->empty()) return answer(base::fail(base::Code::not_found, "there is no such delivery"));
            answer(delivery_in(*rows, 0));
        });
}

void Ledger::list(std::string where, Parameters parameters, Page page, Answer<Deliveries> answer) {
    kit::db::PageQuery query{.columns = delivery_columns,
                             .from = fmt::format("deliveries d JOIN events e ON e.id = d.event_id WHERE {}", where),
                             .order = "d.changed_at DESC, d.id",
                             .parameters = std::move(parameters),
                             .page = page.page,
                             .per_page = page.per_page};
    kit::db::read_items(database_, std::move(query), delivery_in, std::move(answer));
}

void Ledger::deliveries(const std::string& event, Answer<Deliveries> answer) {
    list("d.event_id = $1", {event}, {.page = 1, .per_page = 100}, std::move(answer));
}

void Ledger::dead(Page page, Answer<Deliveries> answer) { list("d.state = 'dead'", {}, page, std::move(answer)); }

void Ledger::replay(const std::string& id, Answer<void> answer) {
    database_.run(
        "UPDATE deliveries SET state = 'waiting', attempts = 0, tries = 0, due_at = CAST($2 AS BIGINT), "
        "changed_at = CAST($2 AS BIGINT), lease_until = 0 WHERE id = $1 AND state = 'dead'",
        {id, std::to_string(now())}, [answer = std::move(answer)](base::Result<Rows> rows) mutable {
            if (!rows) return answer(std::unexpected(std::move(rows).error()));
            if (rows->affected == 0) return answer(base::fail(base::Code::not_found, "there is no such dead letter"));
            answer({});
        });
}

void Ledger::begin(const std::string& id, Answer<bool> answer) {
    database_.run(
        "UPDATE deliveries SET state = 'sending', attempts = attempts + 1, changed_at = CAST($2 AS BIGINT) "
        "WHERE id = $1 AND state IN ('waiting', 'sending')",
        {id, std::to_string(now())}, [answer = std::move(answer)](base::Result<Rows> rows) mutable {
            if (!rows) return answer(std::unexpected(std::move(rows).error()));
            answer(rows->affected == 1);
        });
}

void Ledger::sent(const std::string& id, Answer<void> answer) {
    write(
        "UPDATE deliveries SET state = 'sent', problem = '', changed_at = CAST($2 AS BIGINT), due_at = CAST($3 AS "
        "BIGINT), lease_until = 0, tries = 0 WHERE id = $1",
        {id, std::to_string(now()), std::to_string(kit::db::never)}, std::move(answer));
}

void Ledger::put_off(const std::string& id, std::int64_t until, const std::string& problem, Answer<void> answer) {
    write(
        "UPDATE deliveries SET state = 'waiting', problem = $2, due_at = CAST($3 AS BIGINT), lease_until = 0, "
        "tries = tries + 1 WHERE id = $1 AND state <> 'sent'",
        {id, problem, std::to_string(until)}, std::move(answer));
}

void Ledger::give_up(const std::string& id, const std::string& problem, Answer<void> answer) {
    write(
        "UPDATE deliveries SET state = 'dead', problem = $2, changed_at = CAST($3 AS BIGINT), due_at = CAST($4 AS "
        "BIGINT), lease_until = 0 WHERE id = $1 AND state <> 'sent'",
        {id, problem, std::to_string(now()), std::to_string(kit::db::never)}, std::move(answer));
}

void Ledger::forget(run::Duration age, Done done) {
    auto sql = fmt::format(
        "DELETE FROM events WHERE id IN (SELECT e.id FROM events e WHERE e.taken_at < CAST($1 AS BIGINT) AND NOT "
        "EXISTS (SELECT 1 FROM deliveries d WHERE d.event_id = e.id AND d.state <> 'sent') ORDER BY e.taken_at "
        "LIMIT {})",
        forget_max);
    write(std::move(sql), {std::to_string(kit::db::milliseconds(clock_.now() - age))}, std::move(done));
}

}  // namespace notifications
