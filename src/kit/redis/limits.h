// A rate limit and a lock that all replicas of a service share through Redis; without Redis they hold for the one
// process.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "kit/redis/redis.h"

namespace kit::redis {

struct Allowance {
    bool allowed = true;
    std::int64_t left = 0;
    run::Duration retry_after{};  ///< when not allowed
};

/// At most `most` in each `window`, sliding, for each key.
class RateLimit {
 public:
    RateLimit(Redis* redis, run::Loop& loop, std::string prefix, std::int64_t most, run::Duration window);
    void take(const std::string& key, std::move_only_function<void(Allowance)> done);
    void reset(const std::string& key);

 private:
    struct State;
    std::shared_ptr<State> state_;
};

/// Held until it is dropped or its time is over; renewed by itself while held.
class Lock {
 public:
    virtual ~Lock() = default;
    /// False once it was lost (Redis was away for longer than its time).
    virtual bool held() const = 0;
};
/// Null when somebody else holds it.
void try_lock(Redis* redis, run::Loop& loop, std::string name, run::Duration time,
              std::move_only_function<void(std::unique_ptr<Lock>)> done);

}  // namespace kit::redis
