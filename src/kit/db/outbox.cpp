#include "kit/db/outbox.h"

#include <algorithm>
#include <deque>

#include "base/rng.h"
#include "kit/auth/secrets.h"

namespace kit::db {
namespace {

constexpr std::int64_t count_max = 100'000;  ///< more are not counted
constexpr int prune_at_once = 500;
constexpr auto prune_every_max = std::chrono::minutes(1);

constexpr const char* sqlite_tables =
    "CREATE TABLE outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, type TEXT NOT NULL,"
    " subject TEXT NOT NULL, event TEXT NOT NULL, delivered_ms INTEGER);"
    "CREATE INDEX outbox_waiting ON outbox (seq) WHERE delivered_ms IS NULL;"
    "CREATE INDEX outbox_delivered ON outbox (delivered_ms) WHERE delivered_ms IS NOT NULL;"
    "CREATE TABLE outbox_lease (one INTEGER PRIMARY KEY CHECK (one = 1), holder TEXT NOT NULL,"
    " until_ms INTEGER NOT NULL);"
    "INSERT INTO outbox_lease VALUES (1, '', 0);";

constexpr const char* postgres_tables =
    "CREATE TABLE outbox (seq BIGSERIAL PRIMARY KEY, id TEXT NOT NULL UNIQUE, type TEXT NOT NULL,"
    " subject TEXT NOT NULL, event TEXT NOT NULL, delivered_ms BIGINT);"
    "CREATE INDEX outbox_waiting ON outbox (seq) WHERE delivered_ms IS NULL;"
    "CREATE INDEX outbox_delivered ON outbox (delivered_ms) WHERE delivered_ms IS NOT NULL;"
    "CREATE TABLE outbox_lease (one INTEGER PRIMARY KEY CHECK (one = 1), holder TEXT NOT NULL,"
    " until_ms BIGINT NOT NULL);"
    "INSERT INTO outbox_lease VALUES (1, '', 0);";

/// What the dialects say differently. The time is the database's: replicas' clocks may differ.
struct Sql {
    std::string claim, renew, mark, prune;
    explicit Sql(Dialect dialect) {
        const bool sqlite = dialect == Dialect::sqlite;
        const std::string now = sqlite ? "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
                                       : "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)";
        const std::string until = "until_ms = " + now + " + CAST($2 AS BIGINT)";
        claim = "UPDATE outbox_lease SET holder = $1, " + until + " WHERE holder = $1 OR until_ms < " + now;
        renew = "UPDATE outbox_lease SET " + until + " WHERE holder = $1";
        mark = "UPDATE outbox SET delivered_ms = " + now + " WHERE delivered_ms IS NULL AND seq " +
               (sqlite ? "IN (SELECT value FROM json_each('[' || $1 || ']'))"
                       : "= ANY(CAST('{' || CAST($1 AS TEXT) || '}' AS BIGINT[]))");
        prune = "DELETE FROM outbox WHERE seq IN (SELECT seq FROM outbox WHERE delivered_ms < " + now +
                " - CAST($1 AS BIGINT) ORDER BY delivered_ms LIMIT " + std::to_string(prune_at_once) + ")";
    }
};

std::string in_ms(run::Duration duration) {
    return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

struct Queued {
    std::int64_t seq;
    Event event;
};

}  // namespace

/// Rounds: look, claim the lease, deliver batch after batch, mark, give the lease back, rest. One step at a time.
struct Outbox::State : std::enable_shared_from_this<Outbox::State> {
    State(Database& database_, run::Loop& loop_, Log& log_, Deliver deliver_, OutboxOptions options_)
        : database(database_),
          loop(loop_),
          log(log_),
          deliver(std::move(deliver_)),
          options(options_),
          sql(database_.dialect()),
          rng(auth::random_seed()),
          holder(base::uuid(rng)) {}

    /// Runs a statement whose answer matters only while the outbox is there.
    template <class Then>
    void ask(const std::string& statement, Parameters parameters, Then then) {
        database.run(statement, std::move(parameters),
                     [weak = weak_from_this(), then = std::move(then)](base::Result<Rows> rows) mutable {
                         const auto self = weak.lock();
                         if (!self) return;
                         if (!rows) return self->give_up_round();
                         then(*self, std::move(*rows));
                     });
    }

    /// The database is away: the lease lapses by itself, what was delivered but not marked comes again.
    void give_up_round() {
        renewal.cancel();
        held = again = false;
        delivered.clear();
        rest();
    }

    void look() {
        busy = true;
        again = false;
        timer.cancel();
        ask("SELECT seq FROM outbox WHERE delivered_ms IS NULL ORDER BY seq LIMIT 1", {}, [](State& self, Rows rows) {
            if (!rows.empty()) return self.claim();
            self.waiting = 0;
            self.tidy();
        });
    }

    void claim() {
        ask(sql.claim, {holder, in_ms(options.lease)}, [](State& self, Rows rows) {
            if (rows.affected == 0) return self.count();  // another replica is at it
            self.held = true;
            self.plan_renewal();
            self.read();
        });
    }

    void plan_renewal() {
        renewal = loop.after(options.lease / 3, [this] {
            database.run(sql.renew, {holder, in_ms(options.lease)}, [weak = weak_from_this()](base::Result<Rows> rows) {
                const auto self = weak.lock();
                if (!self || !self->renewal) return;  // given back meanwhile
                self->held = rows && rows->affected == 1;
                if (self->held) self->plan_renewal();
            });
        });
    }

    void read() {
        ask("SELECT seq, id, type, subject, event FROM outbox WHERE delivered_ms IS NULL ORDER BY seq LIMIT " +
                std::to_string(options.batch),
            {}, [](State& self, Rows rows) {
                for (std::size_t row = 0; row < rows.size(); ++row) {
                    self.batch.push_back({rows.number(row, 0),
                                          {std::string(rows.text(row, 1)), std::string(rows.text(row, 2)),
                                           std::string(rows.text(row, 3)), std::string(rows.text(row, 4))}});
                }
                self.full = rows.size() == self.options.batch;
                self.deliver_next();
            });
    }

    void deliver_next() {
        if (batch.empty() || !held) return mark(Outcome::delivered);
        const auto turn = ++turns;
        const auto answer = [weak = weak_from_this(), turn](base::Result<void> sent) {
            if (const auto self = weak.lock(); self && self->turns == turn) self->note(std::move(sent));
        };
        timer = loop.after(options.deliver_limit,
                           [answer] { answer(base::fail(base::Code::timeout, "the receiver does not answer")); });
        deliver(batch.front().event, [weak = weak_from_this(), answer](base::Result<void> sent) {
            // Never from within deliver(): a receiver that answers at once would make this a recursion.
            const auto self = weak.lock();
            if (self) self->loop.post([answer, sent = std::move(sent)]() mutable { answer(std::move(sent)); });
        });
    }

    void note(base::Result<void> sent) {
        ++turns;  // another answer to this delivery counts no more
        timer.cancel();
        if (!sent) {
            if (failures++ == 0)
                log.warn("events cannot be delivered yet",
                         {{"event", batch.front().event.id}, {"error", sent.error().message}});
            return mark(Outcome::failed);
        }
        if (std::exchange(failures, 0) > 0) log.info("events are delivered again");
        delivered += (delivered.empty() ? "" : ",") + std::to_string(batch.front().seq);
        batch.pop_front();
        deliver_next();
    }

    enum class Outcome : std::uint8_t { delivered, failed };
    void mark(Outcome outcome) {
        batch.clear();
        if (delivered.empty()) return after_mark(outcome);
        ask(sql.mark, {std::exchange(delivered, {})},
            [outcome](State& self, const Rows&) { self.after_mark(outcome); });
    }

    void after_mark(Outcome outcome) {
        if (outcome == Outcome::delivered && full && held) return read();
        give_back();
        if (outcome == Outcome::delivered) return tidy();
        const auto most =
            std::min<run::Duration>(options.retry_first * (1LL << std::min(failures - 1, 16)), options.retry_last);
        retry_at = loop.now() + most / 2 + run::Duration(rng.below(static_cast<std::uint64_t>(most.count() / 2 + 1)));
        count();
    }

    void give_back() {
        renewal.cancel();
        held = false;
        database.run("UPDATE outbox_lease SET until_ms = 0 WHERE holder = $1", {holder}, [](const auto&) {});
    }

    void count() {
        ask("SELECT COUNT(*) FROM (SELECT 1 FROM outbox WHERE delivered_ms IS NULL LIMIT " + std::to_string(count_max) +
                ") AS some",
            {}, [](State& self, const Rows& rows) {
                self.waiting = rows.number(0, 0);
                self.tidy();
            });
    }

    /// Removes what was delivered long ago, a bounded number at a time.
    void tidy() {
        const auto now = loop.now();
        if (now < prune_at) return rest();
        prune_at = now + std::clamp<run::Duration>(options.keep_delivered / 4, options.look_every, prune_every_max);
        ask(sql.prune, {in_ms(options.keep_delivered)}, [](State& self, const Rows& rows) {
            if (rows.affected == prune_at_once) self.prune_at = self.loop.now();
            self.rest();
        });
    }

    void rest() {
        busy = false;
        batch.clear();
        const auto now = loop.now();
        if (retry_at > now) return rest(retry_at - now);
        if (again) return rest(run::Duration::zero());
        rest(options.look_every);
    }

    void rest(run::Duration time) {
        timer = loop.after(time, [this] { look(); });
    }

    Database& database;
    run::Loop& loop;
    Log& log;
    Deliver deliver;
    OutboxOptions options;
    Sql sql;
    base::Rng rng;
    std::string holder;
    std::deque<Queued> batch;
    std::string delivered;  ///< the numbers of those that are not marked yet, with commas
    run::Timer timer;       ///< the next look, or the limit of the delivery under way
    run::Timer renewal;
    run::Time retry_at{};
    run::Time prune_at{};
    std::uint64_t turns = 0;
    std::int64_t waiting = 0;
    int failures = 0;
    bool held = false;   ///< the lease
    bool full = false;   ///< the last batch: there may be more
    bool busy = false;   ///< a round is under way
    bool again = false;  ///< somebody woke us during it
};

Migration Outbox::migration(int version) { return {version, "outbox", sqlite_tables, postgres_tables}; }

Outbox::Outbox(Database& database, run::Loop& loop, Log& log, Metrics& metrics, Deliver deliver, OutboxOptions options)
    : state_(std::make_shared<State>(database, loop, log, std::move(deliver), options)) {
    metrics.gauge("app_outbox_waiting", "Events that are not delivered yet.", [weak = std::weak_ptr(state_)] {
        const auto state = weak.lock();
        return state ? static_cast<double>(state->waiting) : 0.0;
    });
    state_->rest(run::Duration::zero());
}

Outbox::~Outbox() = default;

void Outbox::add(Session& session, Event event, Done done) {
    session.run("INSERT INTO outbox (id, type, subject, event) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING",
                {std::move(event.id), std::move(event.type), std::move(event.subject), std::move(event.json)},
                [done = std::move(done)](base::Result<Rows> added) mutable {
                    done(added ? base::Result<void>{} : std::unexpected(std::move(added).error()));
                });
}

void Outbox::wake() {
    if (state_->busy) {
        state_->again = true;
    } else if (state_->retry_at <= state_->loop.now()) {
        state_->look();
    }
}

std::int64_t Outbox::waiting() const { return state_->waiting; }

}  // namespace kit::db
