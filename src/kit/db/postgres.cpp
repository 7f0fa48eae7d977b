// PostgreSQL through libpq: a pool of connections that come when they are needed, come back when they are lost, and
// say so while they are away.
#include <libpq-fe.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <deque>

#include "kit/db/postgres_connection.h"
#include "run/asio_loop.h"

namespace kit::db {
namespace {

using Connection = std::shared_ptr<PgConnection>;

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

base::Result<Target> parse(const std::string& url) {
    char* message = nullptr;
    PQconninfoOption* options = PQconninfoParse(url.c_str(), &message);
    if (!options) {
        const std::string why = message ? message : "out of memory";
        PQfreemem(message);
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
    PQconninfoFree(options);
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
        with_connection([this, sql = std::move(sql), parameters = std::move(parameters),
                         done = std::move(done)](base::Result<Connection> connection) mutable {
            if (!connection) return done(std::unexpected(std::move(connection).error()));
            auto finished = [this, alive = alive_, done = std::move(done)](base::Result<Rows> rows) mutable {
                done(std::move(rows));
                if (*alive) pump();
            };
            (*connection)->run(std::move(sql), std::move(parameters), PgConnection::How::prepared, std::move(finished));
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

    Connection idle_one() const {
        const auto found = std::ranges::find_if(
            connections_, [](const auto& one) { return one->usable() && !one->busy() && !one->leased; });
        return found == connections_.end() ? nullptr : *found;
    }

    void with_connection(Lease lease) {
        if (auto connection = idle_one()) return lease(std::move(connection));
        if (const bool away = connections() == 0 && !problem_.empty();
            away || waiting_.size() >= options_.waiting_max) {
            return lease(base::fail(base::Code::unavailable,
                                    away ? "the database is away: " + problem_ : "too much waits for the database"));
        }
        waiting_.push_back({loop_.now() + options_.wait_max, std::move(lease)});
        if (!expiry_) plan_expiry();
        if (!opening_ && connections_.size() < options_.connections_max) open_one();
    }

    /// Gives free connections to who waits longest.
    void pump() {
        while (!waiting_.empty()) {
            auto connection = idle_one();
            if (!connection) return;
            auto lease = std::move(waiting_.front().lease);
            waiting_.pop_front();
            lease(std::move(connection));
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
        auto noted = [self = shared_from_this(), finished = std::move(finished)](base::Result<Rows> rows) mutable {
            if (!rows) self->failed = true;
            finished(std::move(rows));
        };
        connection->run(std::move(sql), std::move(parameters), PgConnection::How::prepared, std::move(noted));
    }
    void script(std::string sql, Done finished) override {
        auto as_void = [self = shared_from_this(), finished = std::move(finished)](base::Result<Rows> rows) mutable {
            if (!rows) self->failed = true;
            finished(rows ? base::Result<void>{} : std::unexpected(std::move(rows).error()));
        };
        connection->run(std::move(sql), {}, PgConnection::How::script, std::move(as_void));
    }
    void begin(Work work) {
        script("BEGIN", [self = shared_from_this(), work = std::move(work)](base::Result<void> begun) mutable {
            if (!begun) return self->leave(std::move(begun));
            work(*self, [self](base::Result<void> worked) { self->finish(std::move(worked)); });
        });
    }
    /// After a failed statement PostgreSQL answers COMMIT with a silent rollback: that must not pass for success.
    void finish(base::Result<void> worked) {
        if (worked && failed) worked = base::fail(base::Code::conflict, "a statement of the transaction failed");
        const auto* end = worked ? "COMMIT" : "ROLLBACK";
        script(end, [self = shared_from_this(), worked = std::move(worked)](base::Result<void> ended) mutable {
            if (worked && !ended) worked = std::move(ended);
            self->leave(std::move(worked));
        });
    }
    void leave(base::Result<void> result) {
        connection->leased = false;
        done(std::move(result));
        if (*alive) pool.pump();
    }

    Postgres& pool;
    std::shared_ptr<bool> alive;
    Connection connection;
    Done done;
    bool failed = false;
};

void Postgres::transact(Work work, Done done) {
    with_connection(
        [this, work = std::move(work), done = std::move(done)](base::Result<Connection> connection) mutable {
            if (!connection) return done(std::unexpected(std::move(connection).error()));
            std::make_shared<Transaction>(*this, std::move(*connection), std::move(done))->begin(std::move(work));
        });
}

}  // namespace

base::Result<std::unique_ptr<Database>> open_postgres(boost::asio::io_context& io, Log& log, std::string url,
                                                      DatabaseOptions options) {
    auto target = TRY(parse(url));
    auto poller = TRY(net::Poller::create(io));
    return std::make_unique<Postgres>(io, log, std::move(target), std::move(poller), options);
}

}  // namespace kit::db
