// MongoDB by libmongoc. Its calls block, so they run on a few threads of their own and answer on the loop; the port
// is small: JSON documents in collections. While the server is away every call is `unavailable` at once, and one
// thread looks whether it is back.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "kit/log.h"
#include "run/loop.h"

namespace kit::mongo {

struct MongoOptions {
    std::string uri = "mongodb://127.0.0.1:27017";  ///< may hold a password: not logged
    std::string database;                           ///< "": the one that the address names, or "app"
    std::size_t threads = 2;
    std::size_t waiting_max = 1000;  ///< beyond it: unavailable, at once
    run::Duration timeout = std::chrono::seconds(3);
};

struct Find {
    std::string filter = "{}";  ///< relaxed extended JSON
    std::string sort = "{}";
    std::int64_t skip = 0;
    std::int64_t limit = 100;
};

using Documents = std::vector<std::string>;  ///< relaxed extended JSON, one a document

class Mongo {
 public:
    virtual ~Mongo() = default;
    virtual void insert(std::string collection, std::string document,
                        std::move_only_function<void(base::Result<void>)> done) = 0;
    virtual void find(std::string collection, Find find,
                      std::move_only_function<void(base::Result<Documents>)> done) = 0;
    virtual void count(std::string collection, std::string filter,
                       std::move_only_function<void(base::Result<std::int64_t>)> done) = 0;
    /// How many were changed (update: MongoDB operators, e.g. {"$set": {...}}).
    virtual void update_one(std::string collection, std::string filter, std::string update,
                            std::move_only_function<void(base::Result<std::int64_t>)> done) = 0;
    virtual void remove_one(std::string collection, std::string filter,
                            std::move_only_function<void(base::Result<std::int64_t>)> done) = 0;
    /// Makes the index that `keys` describe ({"user": 1, "_id": 1}) unless it is there.
    virtual void ensure_index(std::string collection, std::string keys,
                              std::move_only_function<void(base::Result<void>)> done) = 0;
    virtual std::size_t waiting() const = 0;
    /// Nothing while it can be used; else why not (as last tried).
    virtual std::optional<std::string> away() const = 0;
};

/// An Error only when the address is none: a server that is away is waited for.
base::Result<std::unique_ptr<Mongo>> open(run::Loop& loop, Log& log, MongoOptions options);

}  // namespace kit::mongo
