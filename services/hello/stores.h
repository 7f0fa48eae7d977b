// What the service keeps: pairs of texts in the database, the number of visitors in Redis, or in the database where
// there is no Redis.
#pragma once

#include <string>
#include <vector>

#include "kit/context.h"
#include "kit/db/database.h"
#include "kit/redis/redis.h"

namespace hello {

std::vector<kit::db::Migration> migrations();

struct Pair {
    std::string key;
    std::string value;
};

class Pairs {
 public:
    explicit Pairs(kit::db::Database& database) : database_(database) {}
    /// The pair is there afterwards, whether its key was or not.
    void put(const Pair& pair, kit::db::Done done);
    /// By key, those behind `after`.
    void list(const std::string& after, std::int64_t limit,
              std::move_only_function<void(base::Result<std::vector<Pair>>)> done);

 private:
    kit::db::Database& database_;
};

class Visitors {
 public:
    Visitors(kit::db::Database& database, kit::redis::Redis* redis) : database_(database), redis_(redis) {}
    /// Counts one more: the number with it.
    void count(std::move_only_function<void(base::Result<std::int64_t>)> done);

 private:
    kit::db::Database& database_;
    kit::redis::Redis* redis_;
};

}  // namespace hello
