// One connection to PostgreSQL on the loop, in libpq's pipeline mode: many statements on their way at once, each
// prepared when first met and each with its own end (Sync), so that one's error is no other's. Answers come in order.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

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
        /// A statement ended whose answer was given before: it had timed out.
        std::function<void()> room;
        /// It is broken and will not come back.
        std::function<void(PgConnection&, const std::string& why)> ended;
    };

    PgConnection(net::Poller& poller, run::Loop& loop, Events events)
        : poller_(poller), loop_(loop), events_(std::move(events)) {}
    ~PgConnection();
    PgConnection(const PgConnection&) = delete;
    PgConnection& operator=(const PgConnection&) = delete;

    void connect(const std::string& conninfo);
    /// `script`: several statements without parameters; it waits until nothing else is on its way.
    enum class How : std::uint8_t { prepared, script };
    struct Statement {
        std::string sql;
        Parameters parameters;
        How how = How::prepared;
        run::Duration limit{};  ///< then its answer is `timeout`
    };
    void run(Statement statement, RowsDone done);
    /// Closes without telling the pool.
    void close();
    bool usable() const { return state_ == State::up; }
    std::size_t waiting() const { return sent_.size() + unsent_.size(); }
    /// Since when the statement in front has been on its way.
    run::Time front_since() const { return front_since_; }
    void on_ready(std::uint32_t events) override;

    bool leased = false;  ///< the pool's: in a transaction

 private:
    enum class State : std::uint8_t { connecting, up, ended };
    struct Job {
        Statement statement;
        RowsDone done;  ///< empty once it has timed out
        run::Time due;
        bool prepares = false;
        bool again = false;  ///< it was sent before, when its prepared statement was no longer good
        std::optional<base::Result<Rows>> result;
    };
    void poll_connect();
    void watch(std::uint32_t events);
    void unwatch();
    void send_waiting();
    bool send(Job& job);
    bool send_script(const Job& job);
    bool send_prepared(Job& job);
    void flush();
    void read_results();
    void take(pg_result* result);
    void finish_front();
    void plan_limit();
    void expire();
    void end(const std::string& why);

    net::Poller& poller_;
    run::Loop& loop_;
    Events events_;
    pg_conn* handle_ = nullptr;
    int watched_fd_ = -1;
    std::uint32_t watched_events_ = 0;
    State state_ = State::connecting;
    std::deque<Job> sent_;
    std::deque<Job> unsent_;  ///< behind a script
    bool scripting_ = false;
    run::Time front_since_{};
    std::unordered_map<std::string, std::string> prepared_;  ///< statement to its name
    std::uint64_t names_made_ = 0;
    run::Timer timeout_;
    run::Time timeout_at_{};
};

}  // namespace kit::db
