// PostgreSQL through libpq: a pool of connections that come when they are needed, come back when they are lost, and
// say so while they are away.

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <deque>
#include <map>

#include "kit/db/errors.h"
#include "kit/db/libpq.h"
#include "kit/db/postgres_connection.h"
#include "run/asio_loop.h"

namespace kit::db {
namespace {

using Connection = std::shared_ptr<PgConnection>;

constexpr auto slow_front = std::chrono::milliseconds(20);  ///< nothing is put behind a statement that takes longer
constexpr auto script_limit = std::chrono::hours(1);

/// A conninfo value in quotes.
std::string quoted(std::string_view value) {
    std::string text = "'";
    for (const char c : value) {
        if (c == '\'' || c == '\\') text += '\\';
        text += c;
    }
    return text + "'";
}

struct Target {
    std::map<std::string, std::string> words;  ///< conninfo keywords

    std::string host() const { return words.contains("host") ? words.at("host") : ""; }
    std::string conninfo(const std::string& address) const {
        std::string text;
        for (const auto& [word, value] : words) text += word + "=" + quoted(value) + " ";
        if (!address.empty()) text += "hostaddr=" + quoted(address);
        return text;
    }
};

base::Result<Target> parse(const std::string& url, run::Duration statement_limit) {
    char* message = nullptr;
    PQconninfoOption* options = libpq().conninfo_parse(url.c_str(), &message);
    if (!options) {
        const std::string why = message ? message : "out of memory";
        libpq().freemem(message);
        return base::fail(base::Code::invalid,
                          "the database address " + without_password(url) + " is not understood: " + why);
    }
    // A server that has vanished is noticed within seconds, not by the kernel's minutes.
    Target target{{{"application_name", "kit"},
                   {"tcp_user_timeout", "10000"},
                   {"keepalives_idle", "15"},
                   {"client_encoding", "UTF8"}}};
    for (auto* option = options; option->keyword; ++option) {
        if (option->val) target.words[option->keyword] = option->val;
    }
    libpq().conninfo_free(options);
    // The server gives up a statement itself, which leaves its connection usable.
    const auto limit = std::chrono::duration_cast<std::chrono::milliseconds>(statement_limit).count();
    auto& words = target.words["options"];
    words = "-c statement_timeout=" + std::to_string(limit) + (words.empty() ? "" : " ") + words;
    return target;
}

class Postgres final : public Database {
 public:
    Postgres(boost::asio::io_context& io, Log& log, Target target, std::unique_ptr<net::Poller> poller,
             DatabaseOptions options)
        : loop_(io),
          log_(log),
          target_(std::move(target)),
          poller_(std::move(poller)),
          options_(options),
          resolver_(io),
          pause_(options.reconnect_first) {
        open_one();
    }
    ~Postgres() override {
        *alive_ = false;
        for (const auto& connection : connections_) connection->close();
    }

    Dialect dialect() const override { return Dialect::postgres; }
    std::size_t connections() const override {
        return static_cast<std::size_t>(
            std::ranges::count_if(connections_, [](const auto& one) { return one->usable(); }));
    }
    std::size_t waiting() const override { return waiting_.size(); }
    std::optional<std::string> away() const override {
        if (connections() > 0) return std::nullopt;
        return problem_.empty() ? "it is being connected to" : problem_;
    }

    void run(std::string sql, Parameters parameters, RowsDone done) override {
        place({std::move(sql), std::move(parameters), PgConnection::How::prepared, options_.statement_limit},
              std::move(done));
    }
    void run(const Context& context, std::string sql, Parameters parameters, RowsDone done) override {
        const auto now = loop_.now();
        if (context.over(now)) return done(over());
        PgConnection::Statement statement{std::move(sql), std::move(parameters), PgConnection::How::prepared,
                                          context.left(now, options_.statement_limit)};
        if (auto* free = with_room()) return send(*free, std::move(statement), std::move(done));
        wait([this, context, statement = std::move(statement),
              done = std::move(done)](base::Result<Connection> connection) mutable {
            if (!connection) return done(std::unexpected(std::move(connection).error()));
            const auto time = loop_.now();
            if (context.over(time)) return done(over());
            statement.limit = context.left(time, options_.statement_limit);
            send(**connection, std::move(statement), std::move(done));
        });
    }

    void transact(Work work, Done done) override;

 private:
    using Lease = std::move_only_function<void(base::Result<Connection>)>;
    struct Waiter {
        run::Time until;
        Lease lease;
    };
    struct Transaction;

    static std::unexpected<base::Error> over() {
        return base::fail(base::Code::timeout, "nobody waits for it any more");
    }

    void place(PgConnection::Statement statement, RowsDone done) {
        if (auto* free = with_room()) return send(*free, std::move(statement), std::move(done));
        wait([this, statement = std::move(statement),
              done = std::move(done)](base::Result<Connection> connection) mutable {
            if (!connection) return done(std::unexpected(std::move(connection).error()));
            send(**connection, std::move(statement), std::move(done));
        });
    }

    void send(PgConnection& connection, PgConnection::Statement statement, RowsDone done) {
        connection.run(std::move(statement),
                       [this, alive = alive_, done = std::move(done)](base::Result<Rows> rows) mutable {
                           done(std::move(rows));
                           if (*alive && !waiting_.empty()) pump();
                       });
    }

    /// The connection with the least on its way; another is opened when even that one is at work.
    PgConnection* with_room() {
        PgConnection* best = nullptr;
        for (const auto& one : connections_) {
            if (one->usable() && !one->leased && (!best || one->waiting() < best->waiting())) best = one.get();
        }
        if (best && best->waiting() == 0) return best;
        if (!opening_ && connections() > 0 && connections_.size() < options_.connections_max) open_one();
        if (!best || best->waiting() >= options_.pipelined_max) return nullptr;
        return loop_.now() - best->front_since() < slow_front ? best : nullptr;
    }

    void wait(Lease lease) {
        if (const bool away = connections() == 0 && !problem_.empty();
            away || waiting_.size() >= options_.waiting_max) {
            return lease(base::fail(base::Code::unavailable,
                                    away ? "the database is away: " + problem_ : "too much waits for the database"));
        }
        waiting_.push_back({loop_.now() + options_.wait_max, std::move(lease)});
        if (!expiry_) plan_expiry();
        if (!opening_ && connections_.size() < options_.connections_max) open_one();
    }

    /// Gives connections with room to who waits longest.
    void pump() {
        while (!waiting_.empty()) {
            auto* connection = with_room();
            if (!connection) return;
            auto lease = std::move(waiting_.front().lease);
            waiting_.pop_front();
            lease(connection->shared_from_this());
        }
    }

    void plan_expiry() {
        const auto wait = waiting_.front().until - loop_.now();
        expiry_ = loop_.after(std::max<run::Duration>(wait, std::chrono::milliseconds(1)), [this] {
            expiry_.cancel();
            const auto now = loop_.now();
            while (!waiting_.empty() && waiting_.front().until <= now) {
                auto lease = std::move(waiting_.front().lease);
                waiting_.pop_front();
                lease(base::fail(base::Code::unavailable, "the database is too busy"));
            }
            if (!waiting_.empty() && !expiry_) plan_expiry();
        });
    }

    /// Names are resolved on a thread of Asio's, not by libpq, which would block the loop.
    void open_one() {
        opening_ = true;
        const auto host = target_.host();
        boost::system::error_code is_name;
        boost::asio::ip::make_address(host, is_name);
        if (host.empty() || host.starts_with('/') || !is_name) return connect("");
        resolver_.async_resolve(host, "",
                                [this, alive = alive_](const boost::system::error_code& error, const auto& found) {
                                    if (!*alive) return;
                                    for (const auto& entry : found) {
                                        if (entry.endpoint().address().is_v4())
                                            return connect(entry.endpoint().address().to_string());
                                    }
                                    lost("the name " + target_.host() +
                                         " is not known: " + (error ? error.message() : "it has no IPv4 address"));
                                });
    }

    void connect(const std::string& address) {
        PgConnection::Events events;
        events.connected = [this](PgConnection&) { connected(); };
        events.room = [this] { pump(); };
        events.ended = [this](PgConnection& connection, const std::string& why) {
            std::erase_if(connections_, [&](const auto& one) { return one.get() == &connection; });
            lost(why);
        };
        auto connection = std::make_shared<PgConnection>(*poller_, loop_, std::move(events));
        connections_.push_back(connection);
        connection->connect(target_.conninfo(address));
    }

    void connected() {
        opening_ = false;
        pause_ = options_.reconnect_first;
        if (!problem_.empty()) log_.info("database is back", {{"was", problem_}});
        problem_.clear();
        pump();
        if (!waiting_.empty() && connections_.size() < options_.connections_max) open_one();
    }

    /// A connection ended or could not be made. While others live, nothing is away.
    void lost(const std::string& why) {
        opening_ = false;
        if (connections() == 0) {
            if (problem_.empty()) log_.warn("database is away", {{"error", why}});
            problem_ = why;
            for (auto& waiter : std::exchange(waiting_, {})) {
                waiter.lease(base::fail(base::Code::unavailable, "the database is away: " + why));
            }
        }
        opening_ = true;
        reconnect_ = loop_.after(pause_, [this] { open_one(); });
        pause_ = std::min<run::Duration>(pause_ * 2, options_.reconnect_last);
    }

    run::AsioLoop loop_;
    Log& log_;
    Target target_;
    std::unique_ptr<net::Poller> poller_;
    DatabaseOptions options_;
    boost::asio::ip::tcp::resolver resolver_;
    std::vector<Connection> connections_;
    std::deque<Waiter> waiting_;
    std::string problem_;  ///< why there is no connection; empty while there is, or before the first attempt ended
    bool opening_ = false;
    run::Duration pause_;
    run::Timer reconnect_;
    run::Timer expiry_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

/// A connection that is ours until the end of the transaction.
struct Postgres::Transaction final : Session, std::enable_shared_from_this<Transaction> {
    Transaction(Postgres& pool_, Connection connection_, Done done_)
        : pool(pool_), alive(pool_.alive_), connection(std::move(connection_)), done(std::move(done_)) {
        connection->leased = true;
    }
    void run(std::string sql, Parameters parameters, RowsDone finished) override {
        ask({std::move(sql), std::move(parameters), PgConnection::How::prepared, pool.options_.statement_limit},
            std::move(finished));
    }
    /// What was not committed does not hold: of a statement within a transaction nothing is unknown.
    void ask(PgConnection::Statement statement, RowsDone finished) {
        auto noted = [self = shared_from_this(), finished = std::move(finished)](base::Result<Rows> rows) mutable {
            if (!rows) {
                self->failed = true;
                if (outcome_unknown(rows.error())) rows.error().details = nullptr;
                if (!self->first_error) self->first_error = rows.error();
            }
            finished(std::move(rows));
        };
        connection->run(std::move(statement), std::move(noted));
    }
    void script(std::string sql, Done finished) override {
        ask({std::move(sql), {}, PgConnection::How::script, script_limit},
            [finished = std::move(finished)](base::Result<Rows> rows) mutable {
                finished(rows ? base::Result<void>{} : std::unexpected(std::move(rows).error()));
            });
    }
    void begin(Work work) {
        run("BEGIN", {}, [self = shared_from_this(), work = std::move(work)](base::Result<Rows> begun) mutable {
            if (!begun) return self->leave(std::unexpected(std::move(begun).error()));
            self->work = std::move(work);
            self->working = true;
            self->work(*self, [self](base::Result<void> worked) { self->finish(std::move(worked)); });
            self->working = false;
            if (self->left) self->work = nullptr;
        });
    }
    /// After a failed statement PostgreSQL answers COMMIT with a silent rollback: that must not pass for success.
    void finish(base::Result<void> worked) {
        if (worked && failed) {
            worked = base::fail(base::Code::conflict, "a statement of the transaction failed");
            if (worth_again(*first_error)) worked = std::unexpected(*first_error);
        }
        const auto* end = worked ? "COMMIT" : "ROLLBACK";
        connection->run({end, {}, PgConnection::How::prepared, pool.options_.statement_limit},
                        [self = shared_from_this(), worked = std::move(worked)](base::Result<Rows> ended) mutable {
                            if (worked && !ended) worked = std::unexpected(std::move(ended).error());
                            self->leave(std::move(worked));
                        });
    }
    void leave(base::Result<void> result) {
        connection->leased = false;
        left = true;
        if (!working) work = nullptr;
        done(std::move(result));
        if (*alive) pool.pump();
    }

    Postgres& pool;
    std::shared_ptr<bool> alive;
    Connection connection;
    Done done;
    Work work;             ///< kept until the end: what it captured may be at work, and may hold its Done, and so us
    bool working = false;  ///< `work` is being called
    bool left = false;
    bool failed = false;
    std::optional<base::Error> first_error;
};

void Postgres::transact(Work work, Done done) {
    auto start = [this, work = std::move(work), done = std::move(done)](base::Result<Connection> connection) mutable {
        if (!connection) return done(std::unexpected(std::move(connection).error()));
        std::make_shared<Transaction>(*this, std::move(*connection), std::move(done))->begin(std::move(work));
    };
    if (auto* free = with_room()) return start(free->shared_from_this());
    wait(std::move(start));
}

}  // namespace

base::Result<std::unique_ptr<Database>> open_postgres(boost::asio::io_context& io, Log& log, std::string url,
                                                      DatabaseOptions options) {
    TRY(load_libpq());
    auto target = TRY(parse(url, options.statement_limit));
    auto poller = TRY(net::Poller::create(io));
    return std::make_unique<Postgres>(io, log, std::move(target), std::move(poller), options);
}

}  // namespace kit::db
