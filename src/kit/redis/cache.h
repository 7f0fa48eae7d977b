// A cache of texts in Redis whose entries are never older than the last invalidation that was acknowledged: a reader
// that fetched before an invalidation cannot put its old text back after it (each key has a version that
// invalidation raises). Without Redis everything misses and nothing fails.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "kit/redis/redis.h"

namespace kit::redis {

class Cache {
 public:
    /// `prefix` keeps this service's keys apart. A null `redis` is a cache that holds nothing.
    Cache(Redis* redis, std::string prefix, run::Duration keep_for);

    using Fetched = std::move_only_function<void(base::Result<std::string>)>;
    using Fetch = std::move_only_function<void(Fetched)>;
    /// The text of `key`; on a miss `fetch` is asked (once for all that miss at the same time) and its text is kept
    /// unless `key` was invalidated meanwhile. Errors are not kept.
    void get(const std::string& key, Fetch fetch, Fetched done);
    /// After a write was committed. `done` tells whether Redis acknowledged; without an answer, entries lapse by
    /// `keep_for`.
    void invalidate(std::vector<std::string> keys, std::move_only_function<void(bool)> done);

 private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace kit::redis
