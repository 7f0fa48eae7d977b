// One connection to PostgreSQL on the loop: connecting, statements one at a time, each prepared when first met.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "kit/db/database.h"
#include "kit/net/poller.h"

struct pg_conn;
struct pg_result;

namespace kit::db {

class PgConnection final : public net::Watcher, public std::enable_shared_from_this<PgConnection> {
 public:
    /// What the pool wants to know.
    struct Events {
        std::function<void(PgConnection&)> connected;
        /// It is broken and will not come back.
        std::function<void(PgConnection&, const std::string& why)> ended;
    };

    PgConnection(net::Poller& poller, run::Loop& loop, Events events)
        : poller_(poller), loop_(loop), events_(std::move(events)) {}
    ~PgConnection();
    PgConnection(const PgConnection&) = delete;
    PgConnection& operator=(const PgConnection&) = delete;

    void connect(const std::string& conninfo);
    /// Without parameters and `prepare` off, several statements may stand in `sql`.
    enum class How : std::uint8_t { prepared, script };
    void run(std::string sql, Parameters parameters, How how, RowsDone done);
    /// Closes without telling the pool.
    void close();
    bool usable() const { return state_ == State::idle || state_ == State::busy; }
    bool busy() const { return state_ == State::busy; }
    void on_ready(std::uint32_t events) override;

    bool leased = false;  ///< the pool's: in a transaction

 private:
    enum class State : std::uint8_t { connecting, idle, busy, ended };
    struct Job {
        std::string sql;
        Parameters parameters;
        How how;
        RowsDone done;
        bool preparing = false;
        std::optional<base::Result<Rows>> result;
    };
    void poll_connect();
    void watch(std::uint32_t events);
    void unwatch();
    void send();
    void flush();
    void read_results();
    void take(pg_result* result);
    void finish_step();
    void end(const std::string& why);
    std::string name_of(const std::string& sql);

    net::Poller& poller_;
    run::Loop& loop_;
    Events events_;
    pg_conn* handle_ = nullptr;
    int watched_fd_ = -1;
    std::uint32_t watched_events_ = 0;
    State state_ = State::connecting;
    std::optional<Job> job_;
    std::map<std::string, std::string, std::less<>> prepared_;
    run::Timer timeout_;
};

}  // namespace kit::db
