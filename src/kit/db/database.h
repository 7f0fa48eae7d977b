// One interface to the databases that services keep their data in: SQLite (embedded) and PostgreSQL. All calls are
// made, and all callbacks run, on the loop. SQL is PostgreSQL's numbering ($1, $2, ...); values are always parameters.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kit/context.h"
#include "kit/log.h"
#include "run/loop.h"

namespace kit::db {

/// Nothing is NULL. Databases convert text to the column's type.
using Parameter = std::optional<std::string>;
using Parameters = std::vector<Parameter>;

/// What came back; every cell as text, as the database prints it. All of it lies in one block of memory.
class Rows {
 public:
    std::size_t size() const { return columns_ == 0 ? 0 : cells_.size() / columns_; }
    bool empty() const { return size() == 0; }
    /// As long as the Rows are there.
    std::string_view text(std::size_t row, std::size_t column) const;
    std::int64_t number(std::size_t row, std::size_t column) const;
    bool null(std::size_t row, std::size_t column) const { return cells_[row * columns_ + column].length < 0; }
    /// Rows that an INSERT, UPDATE or DELETE touched.
    std::int64_t affected = 0;

    void columns(std::size_t count) { columns_ = count; }
    void reserve(std::size_t rows) { cells_.reserve(rows * columns_); }
    void add(std::string_view cell) {
        cells_.push_back({text_.size(), static_cast<std::int64_t>(cell.size())});
        text_ += cell;
    }
    void add_null() { cells_.push_back({0, -1}); }

 private:
    struct Cell {
        std::size_t at;
        std::int64_t length;  ///< -1: NULL
    };
    std::size_t columns_ = 0;
    std::vector<Cell> cells_;
    std::string text_;
};

using RowsDone = std::move_only_function<void(base::Result<Rows>)>;
using Done = std::move_only_function<void(base::Result<void>)>;

enum class Dialect : std::uint8_t { sqlite, postgres };

/// One connection to itself, for the length of a transaction.
class Session {
 public:
    virtual ~Session() = default;
    virtual void run(std::string sql, Parameters parameters, RowsDone done) = 0;
    /// Several statements without parameters or rows.
    virtual void script(std::string sql, Done done) = 0;
};

/// Does the work of a transaction, then calls its second argument: an Error rolls back.
using Work = std::move_only_function<void(Session&, Done)>;

struct Migration {
    int version;
    std::string name;
    std::string sqlite;
    std::string postgres;
};

class Database {
 public:
    virtual ~Database() = default;
    virtual Dialect dialect() const = 0;
    /// One statement, prepared once a connection. `unavailable` while the database is away; `already_exists` and
    /// `invalid` for violated constraints; `timeout` when it takes longer than `statement_limit`. Statements that do
    /// not wait for each other run in any order.
    virtual void run(std::string sql, Parameters parameters, RowsDone done) = 0;
    /// The same for a request: not begun once its context is over, and `timeout` when its deadline comes first.
    virtual void run(const Context& context, std::string sql, Parameters parameters, RowsDone done) = 0;
    /// The statements of `work` hold together or not at all. Writers of SQLite go one after the other. Whether a
    /// transaction holds that lost its connection while it was committed nobody knows: `outcome_unknown` tells.
    virtual void transact(Work work, Done done) = 0;
    /// Nothing while it can be used; else why not.
    virtual std::optional<std::string> away() const = 0;
    virtual std::size_t connections() const = 0;
    virtual std::size_t waiting() const = 0;
};

struct DatabaseOptions {
    std::size_t connections_max = 4;
    std::size_t waiting_max = 10'000;                                ///< beyond it: unavailable, at once
    run::Duration wait_max = std::chrono::seconds(5);                ///< in that queue
    run::Duration statement_limit = std::chrono::seconds(10);        ///< PostgreSQL: for each but those of migrations
    std::size_t pipelined_max = 32;                                  ///< PostgreSQL: on their way on one connection
    run::Duration reconnect_first = std::chrono::milliseconds(100);  ///< doubled each time, up to reconnect_last
    run::Duration reconnect_last = std::chrono::seconds(2);
};

/// `url`: "sqlite:PATH", "sqlite::memory:" or "postgres://user:password@host:port/name?options". PostgreSQL that is
/// away is no error here: it is connected to when it comes.
base::Result<std::unique_ptr<Database>> open(boost::asio::io_context& io, Log& log, std::string_view url,
                                             DatabaseOptions options = {});

/// True when what was asked may have been done, or not: its connection was lost before the answer came.
bool outcome_unknown(const base::Error& error);
/// That the database would take the same transaction if it came again: a deadlock, a conflict of serializable ones.
bool worth_again(const base::Error& error);
/// `transact`, up to `tries` times while that is worth it, with growing pauses; so `work` must be callable again.
void transact_again(Database& database, run::Loop& loop, std::function<void(Session&, Done)> work, int tries,
                    Done done);

/// Brings the tables to the newest version: each migration runs exactly once, also when several processes start at
/// the same time, because they do it under a lock.
void migrate(Database& database, std::vector<Migration> migrations, Done done);

/// `url` without its password, for people and logs.
std::string without_password(std::string_view url);

base::Result<std::unique_ptr<Database>> open_sqlite(boost::asio::io_context& io, std::string path,
                                                    DatabaseOptions options);
base::Result<std::unique_ptr<Database>> open_postgres(boost::asio::io_context& io, Log& log, std::string url,
                                                      DatabaseOptions options);

}  // namespace kit::db
