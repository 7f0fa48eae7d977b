#include "kit/redis/limits.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "base/rng.h"
#include "kit/auth/secrets.h"

namespace kit::redis {
namespace {

constexpr std::size_t keys_max = 100'000;  ///< of a limit that is kept in the process

/// A set of the times of what was allowed; the time is Redis's. Answers allowed, left, milliseconds to wait.
constexpr const char* take_script =
    "local time = redis.call('TIME') local now = time[1] * 1000 + math.floor(time[2] / 1000) "
    "local most, window = tonumber(ARGV[1]), tonumber(ARGV[2]) "
    "redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window) "
    "local taken = redis.call('ZCARD', KEYS[1]) "
    "if taken >= most then "
    "  local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2] "
    "  return {0, 0, math.max(1, first and first + window - now or window)} end "
    "redis.call('ZADD', KEYS[1], now, ARGV[3]) redis.call('PEXPIRE', KEYS[1], window) "
    "return {1, most - taken - 1, 0}";
constexpr const char* renew_script =
    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end return redis.call('PEXPIRE', KEYS[1], ARGV[2])";
constexpr const char* release_script =
    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end return redis.call('DEL', KEYS[1])";

std::string in_ms(run::Duration time) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
    return std::to_string(std::max<std::int64_t>(ms, 1));
}

}  // namespace

struct RateLimit::State {
    Redis* redis;
    run::Loop& loop;
    std::string prefix;
    std::int64_t most;
    run::Duration window;
    base::Rng rng{auth::random_seed()};
    std::map<std::string, std::deque<run::Time>> taken;  ///< without Redis
    std::size_t sweep_at = 1024;

    Allowance take_here(const std::string& key) {
        const auto now = loop.now();
        if (taken.size() >= sweep_at) sweep(now);
        auto& times = taken[key];
        while (!times.empty() && times.front() <= now - window) times.pop_front();
        if (std::ssize(times) >= most) {
            const auto wait = times.empty() ? window : times.front() + window - now;
            return {.allowed = false, .left = 0, .retry_after = wait};
        }
        times.push_back(now);
        return {.allowed = true, .left = most - std::ssize(times)};
    }

    void sweep(run::Time now) {
        std::erase_if(taken, [&](const auto& one) { return one.second.empty() || one.second.back() <= now - window; });
        while (taken.size() >= keys_max) taken.erase(taken.begin());
        sweep_at = std::min(keys_max, std::max<std::size_t>(1024, 2 * taken.size()));
    }
};

RateLimit::RateLimit(Redis* redis, run::Loop& loop, std::string prefix, std::int64_t most, run::Duration window)
    : state_(std::make_shared<State>(
          State{redis, loop, std::move(prefix), most, window, base::Rng(auth::random_seed()), {}})) {}

void RateLimit::take(const std::string& key, std::move_only_function<void(Allowance)> done) {
    auto& state = *state_;
    if (!state.redis || state.redis->away()) return done(state.take_here(key));
    state.redis->command({"EVAL", take_script, "1", state.prefix + ":" + key, std::to_string(state.most),
                          in_ms(state.window), base::uuid(state.rng)},
                         [self = state_, key, done = std::move(done)](base::Result<Value> taken) mutable {
                             if (!taken || taken->list().size() != 3) return done(self->take_here(key));
                             const auto& list = taken->list();
                             done({.allowed = list[0].number() == 1,
                                   .left = list[1].number(),
                                   .retry_after = std::chrono::milliseconds(list[2].number())});
                         });
}

void RateLimit::reset(const std::string& key) {
    state_->taken.erase(key);
    if (state_->redis) state_->redis->command({"DEL", state_->prefix + ":" + key}, [](const auto&) {});
}

namespace {

class SharedLock final : public Lock {
 public:
    struct State : std::enable_shared_from_this<State> {
        Redis* redis;
        run::Loop* loop;
        std::string name, token;
        run::Duration time;
        run::Time until;  ///< by our clock, counted from before Redis was asked
        run::Timer renewal;

        void plan() {
            renewal = loop->after(time / 3, [this] {
                const auto asked = loop->now();
                redis->command({"EVAL", renew_script, "1", name, token, in_ms(time)},
                               [weak = weak_from_this(), asked](base::Result<Value> renewed) {
                                   const auto self = weak.lock();
                                   if (!self) return;
                                   if (renewed) self->until = renewed->number() == 1 ? asked + self->time : run::Time{};
                                   if (self->loop->now() < self->until) self->plan();
                               });
            });
        }
    };
    explicit SharedLock(std::shared_ptr<State> state) : state_(std::move(state)) { state_->plan(); }
    ~SharedLock() override {
        state_->redis->command({"EVAL", release_script, "1", state_->name, state_->token}, [](const auto&) {});
    }
    bool held() const override { return state_->loop->now() < state_->until; }

 private:
    std::shared_ptr<State> state_;
};

/// Without Redis: among those who share a loop, which is a process.
using Held = std::set<std::pair<const run::Loop*, std::string>>;
Held& held_here() {
    static thread_local Held names;  // a loop has one thread
    return names;
}

class LocalLock final : public Lock {
 public:
    explicit LocalLock(Held::value_type key) : key_(std::move(key)) {}
    ~LocalLock() override { held_here().erase(key_); }
    bool held() const override { return true; }

 private:
    Held::value_type key_;
};

}  // namespace

void try_lock(Redis* redis, run::Loop& loop, std::string name, run::Duration time,
              std::move_only_function<void(std::unique_ptr<Lock>)> done) {
    if (!redis) {
        Held::value_type key{&loop, std::move(name)};
        if (!held_here().insert(key).second) return done(nullptr);
        return done(std::make_unique<LocalLock>(std::move(key)));
    }
    base::Rng rng(auth::random_seed());
    auto state = std::make_shared<SharedLock::State>();
    state->redis = redis;
    state->loop = &loop;
    state->name = std::move(name);
    state->token = base::uuid(rng);
    state->time = time;
    state->until = loop.now() + time;
    redis->command({"SET", state->name, state->token, "NX", "PX", in_ms(time)},
                   [state, done = std::move(done)](base::Result<Value> set) mutable {
                       if (!set || set->nil()) return done(nullptr);
                       done(std::make_unique<SharedLock>(std::move(state)));
                   });
}

}  // namespace kit::redis
