// SQLite in process: WAL, prepared statements, short statements on the loop itself. A lock that another process holds
// is waited for by a timer, never by blocking.
#include <sqlite3.h>

#include <cstring>
#include <deque>
#include <map>
#include <unordered_map>

#include "kit/db/database.h"
#include "run/asio_loop.h"

namespace kit::db {
namespace {

constexpr auto busy_retry = std::chrono::milliseconds(3);
constexpr auto busy_limit = std::chrono::seconds(10);
constexpr std::size_t statements_max = 256;  ///< prepared ones that are kept

struct Statement {
    std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)> handle;
    std::vector<int> places;  ///< where $1, $2, ... are bound; 0: it is not used
};

base::Error error_of(sqlite3* handle) {
    const std::string message = sqlite3_errmsg(handle);
    switch (sqlite3_extended_errcode(handle)) {
        case SQLITE_CONSTRAINT_UNIQUE:
        case SQLITE_CONSTRAINT_PRIMARYKEY:
            return {base::Code::already_exists, message};
        case SQLITE_CONSTRAINT_CHECK:
        case SQLITE_CONSTRAINT_NOTNULL:
        case SQLITE_CONSTRAINT_FOREIGNKEY:
            return {base::Code::invalid, message};
        default:
            break;
    }
    switch (sqlite3_errcode(handle)) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return {base::Code::unavailable, "the database is locked by another process"};
        case SQLITE_FULL:
        case SQLITE_IOERR:
        case SQLITE_CANTOPEN:
        case SQLITE_READONLY:
            return {base::Code::unavailable, "the database cannot be used: " + message};
        default:
            return {base::Code::internal, message};
    }
}

bool busy(const base::Result<Rows>& result, sqlite3* handle) {
    return !result && (sqlite3_errcode(handle) == SQLITE_BUSY || sqlite3_errcode(handle) == SQLITE_LOCKED);
}

class Sqlite final : public Session {
 public:
    Sqlite(boost::asio::io_context& io, sqlite3* handle, DatabaseOptions options)
        : loop_(io), handle_(handle), options_(options) {}
    ~Sqlite() override {
        statements_.clear();
        sqlite3_close(handle_);
    }

    std::size_t waiting() const { return waiting_.size(); }

    /// Outside a transaction of ours; waits while there is one.
    void run_alone(std::string sql, Parameters parameters, RowsDone done) {
        if (in_transaction_ && full()) return done(too_busy());
        if (in_transaction_)
            return wait(
                [this, sql = std::move(sql), parameters = std::move(parameters), done = std::move(done)]() mutable {
                    run_alone(std::move(sql), std::move(parameters), std::move(done));
                });
        attempt(std::move(sql), std::move(parameters), std::move(done), loop_.now() + busy_limit);
    }

    /// The same for a request: not begun once its context is over.
    void run_alone(const Context& context, std::string sql, Parameters parameters, RowsDone done) {
        if (context.over(loop_.now())) return done(base::fail(base::Code::timeout, "nobody waits for it any more"));
        if (!in_transaction_) return run_alone(std::move(sql), std::move(parameters), std::move(done));
        if (full()) return done(too_busy());
        wait([this, context, sql = std::move(sql), parameters = std::move(parameters),
              done = std::move(done)]() mutable {
            run_alone(context, std::move(sql), std::move(parameters), std::move(done));
        });
    }

    void run(std::string sql, Parameters parameters, RowsDone done) override {
        attempt(std::move(sql), std::move(parameters), std::move(done), loop_.now() + busy_limit);
    }

    void script(std::string sql, Done done) override {
        char* message = nullptr;
        const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, &message);
        sqlite3_free(message);
        done(code == SQLITE_OK ? base::Result<void>{} : std::unexpected(error_of(handle_)));
    }

    void transact(Work work, Done done) {
        if (in_transaction_ && full()) return done(too_busy());
        if (in_transaction_)
            return wait([this, work = std::move(work), done = std::move(done)]() mutable {
                transact(std::move(work), std::move(done));
            });
        in_transaction_ = true;
        run("BEGIN IMMEDIATE", {},
            [this, work = std::move(work), done = std::move(done)](base::Result<Rows> begun) mutable {
                if (!begun) return leave(std::unexpected(std::move(begun).error()), std::move(done));
                work(*this, [this, done = std::move(done)](base::Result<void> worked) mutable {
                    finish(std::move(worked), std::move(done));
                });
            });
    }

 private:
    void finish(base::Result<void> worked, Done done) {
        const auto* end = worked ? "COMMIT" : "ROLLBACK";
        run(end, {}, [this, worked = std::move(worked), done = std::move(done)](base::Result<Rows> ended) mutable {
            if (worked && !ended) worked = std::unexpected(std::move(ended).error());
            leave(std::move(worked), std::move(done));
        });
    }

    void leave(base::Result<void> result, Done done) {
        in_transaction_ = false;
        done(std::move(result));
        while (!waiting_.empty() && !in_transaction_) {
            auto next = std::move(waiting_.front());
            waiting_.pop_front();
            next();
        }
    }

    bool full() const { return waiting_.size() >= options_.waiting_max; }
    static std::unexpected<base::Error> too_busy() {
        return base::fail(base::Code::unavailable, "too much waits for the database");
    }
    void wait(run::Callback work) { waiting_.push_back(std::move(work)); }

    void attempt(std::string sql, Parameters parameters, RowsDone done, run::Time limit) {
        auto result = execute(sql, parameters);
        if (!busy(result, handle_) || loop_.now() >= limit) return done(std::move(result));
        const auto key = ++retries_made_;
        retries_[key] = loop_.after(busy_retry, [this, key, limit, sql = std::move(sql),
                                                 parameters = std::move(parameters), done = std::move(done)]() mutable {
            retries_.erase(key);
            attempt(std::move(sql), std::move(parameters), std::move(done), limit);
        });
    }

    base::Result<Statement*> prepared(const std::string& sql) {
        const auto found = statements_.find(sql);
        if (found != statements_.end()) return &found->second;
        sqlite3_stmt* made = nullptr;
        if (sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &made,
                               nullptr) != SQLITE_OK) {
            return std::unexpected(error_of(handle_));
        }
        if (statements_.size() >= statements_max) statements_.clear();
        return &statements_.emplace(sql, Statement{{made, &sqlite3_finalize}, {}}).first->second;
    }

    static int place_of(Statement& statement, std::size_t number) {
        while (statement.places.size() <= number) {
            const auto name = "$" + std::to_string(statement.places.size() + 1);
            statement.places.push_back(sqlite3_bind_parameter_index(statement.handle.get(), name.c_str()));
        }
        return statement.places[number];
    }

    base::Result<Rows> execute(const std::string& sql, const Parameters& parameters) {
        auto& statement = *TRY(prepared(sql));
        auto* handle = statement.handle.get();
        for (std::size_t at = 0; at < parameters.size(); ++at) {
            const int place = place_of(statement, at);
            if (place == 0 || !parameters[at]) continue;  // unbound is NULL
            sqlite3_bind_text(handle, place, parameters[at]->data(), static_cast<int>(parameters[at]->size()),
                              SQLITE_STATIC);
        }
        auto rows = collect(handle);
        sqlite3_reset(handle);
        sqlite3_clear_bindings(handle);
        return rows;
    }

    base::Result<Rows> collect(sqlite3_stmt* statement) {
        Rows rows;
        const int columns = sqlite3_column_count(statement);
        rows.columns(static_cast<std::size_t>(columns));
        int code = SQLITE_ROW;
        while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
            for (int at = 0; at < columns; ++at) {
                const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, at));
                if (text) {
                    rows.add(std::string_view(text, static_cast<std::size_t>(sqlite3_column_bytes(statement, at))));
                } else {
                    rows.add_null();
                }
            }
        }
        if (code != SQLITE_DONE) return std::unexpected(error_of(handle_));
        rows.affected = sqlite3_changes64(handle_);
        return rows;
    }

    run::AsioLoop loop_;
    sqlite3* handle_;
    DatabaseOptions options_;
    std::unordered_map<std::string, Statement> statements_;
    std::deque<run::Callback> waiting_;
    std::map<std::uint64_t, run::Timer> retries_;
    std::uint64_t retries_made_ = 0;
    bool in_transaction_ = false;
};

/// What a service holds: statements outside a transaction wait for its end, as they would on a connection of their own.
class SqliteDatabase final : public Database {
 public:
    explicit SqliteDatabase(std::unique_ptr<Sqlite> sqlite) : sqlite_(std::move(sqlite)) {}
    Dialect dialect() const override { return Dialect::sqlite; }
    void run(std::string sql, Parameters parameters, RowsDone done) override {
        sqlite_->run_alone(std::move(sql), std::move(parameters), std::move(done));
    }
    void run(const Context& context, std::string sql, Parameters parameters, RowsDone done) override {
        sqlite_->run_alone(context, std::move(sql), std::move(parameters), std::move(done));
    }
    void transact(Work work, Done done) override { sqlite_->transact(std::move(work), std::move(done)); }
    std::optional<std::string> away() const override { return std::nullopt; }
    std::size_t connections() const override { return 1; }
    std::size_t waiting() const override { return sqlite_->waiting(); }

 private:
    std::unique_ptr<Sqlite> sqlite_;
};

/// Of processes that open a new file at the same moment one turns WAL on; SQLite tells the others at once, without its
/// busy time-out, that it is locked. Once, while a service starts: so this may wait here.
bool set_up(sqlite3* handle) {
    constexpr int tries_max = 200, wait_ms = 10;
    const auto* setup =
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; PRAGMA mmap_size=33554432;";
    for (int at = 0; at < tries_max; ++at) {
        const int code = sqlite3_exec(handle, setup, nullptr, nullptr, nullptr);
        if (code == SQLITE_OK) return true;
        if ((code & 0xff) != SQLITE_BUSY) return false;
        sqlite3_sleep(wait_ms);
    }
    return false;
}

}  // namespace

base::Result<std::unique_ptr<Database>> open_sqlite(boost::asio::io_context& io, std::string path,
                                                    DatabaseOptions options) {
    while (path.starts_with("//")) path.erase(0, 1);  // sqlite:///data/x.db
    sqlite3* handle = nullptr;
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
    auto sqlite = std::make_unique<Sqlite>(io, handle, options);
    if (code != SQLITE_OK) {
        return base::fail(base::Code::unavailable, "cannot open the SQLite file " + path + ": " +
                                                       sqlite3_errmsg(handle) +
                                                       "; its folder must exist and be writable");
    }
    sqlite3_extended_result_codes(handle, 1);
    if (!set_up(handle)) {
        return base::fail(base::Code::unavailable,
                          "cannot use the SQLite file " + path + ": " + sqlite3_errmsg(handle));
    }
    return std::make_unique<SqliteDatabase>(std::move(sqlite));
}

}  // namespace kit::db
