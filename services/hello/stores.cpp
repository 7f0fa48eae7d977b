#include "hello/stores.h"

namespace hello {

using kit::db::Rows;

std::vector<kit::db::Migration> migrations() {
    return {{1, "pairs", "CREATE TABLE pairs (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
             "CREATE TABLE pairs (key TEXT COLLATE \"C\" PRIMARY KEY, value TEXT NOT NULL)"},
            {2, "counters", "CREATE TABLE counters (name TEXT PRIMARY KEY, count INTEGER NOT NULL)",
             "CREATE TABLE counters (name TEXT PRIMARY KEY, count BIGINT NOT NULL)"}};
}

void Pairs::put(const Pair& pair, kit::db::Done done) {
    database_.run(
        "INSERT INTO pairs (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        {pair.key, pair.value}, [done = std::move(done)](base::Result<Rows> kept) mutable {
            done(kept ? base::Result<void>{} : std::unexpected(std::move(kept).error()));
        });
}

void Pairs::list(const std::string& after, std::int64_t limit,
                 std::move_only_function<void(base::Result<std::vector<Pair>>)> done) {
    database_.run("SELECT key, value FROM pairs WHERE key > $1 ORDER BY key LIMIT CAST($2 AS INTEGER)",
                  {after, std::to_string(limit)}, [done = std::move(done)](base::Result<Rows> rows) mutable {
                      if (!rows) return done(std::unexpected(std::move(rows).error()));
                      std::vector<Pair> pairs;
                      for (std::size_t row = 0; row < rows->size(); ++row) {
                          pairs.push_back({std::string(rows->text(row, 0)), std::string(rows->text(row, 1))});
                      }
                      done(std::move(pairs));
                  });
}

void Visitors::count(std::move_only_function<void(base::Result<std::int64_t>)> done) {
    if (redis_) {
        return redis_->command({"INCR", "visitors"},
                               [done = std::move(done)](base::Result<kit::redis::Value> value) mutable {
                                   if (!value) return done(std::unexpected(std::move(value).error()));
                                   done(value->number());
                               });
    }
    database_.run(
        "INSERT INTO counters (name, count) VALUES ('visitors', 1)"
        " ON CONFLICT (name) DO UPDATE SET count = counters.count + 1 RETURNING count",
        {}, [done = std::move(done)](base::Result<Rows> rows) mutable {
            if (!rows) return done(std::unexpected(std::move(rows).error()));
            done(rows->number(0, 0));
        });
}

}  // namespace hello
