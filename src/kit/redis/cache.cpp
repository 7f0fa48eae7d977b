// How old texts stay out: a reader that misses takes out a lease on the key before it fetches; its text is kept only
// while that lease stands. An invalidation deletes the text and the lease in one command, so who fetched before it
// finds the lease gone or another's. Losing all of Redis loses the leases too. A Redis that keeps its data on disk may
// come back without its last invalidations; so both names hold the run of the server, and what an earlier run left is
// never read and lapses.
#include "kit/redis/cache.h"

#include <map>
#include <set>

#include "base/rng.h"
#include "kit/auth/secrets.h"

namespace kit::redis {
namespace {

constexpr std::size_t owed_max = 10'000;  ///< invalidations that Redis has not acknowledged

constexpr const char* take_lease =
    "local held = redis.call('GET', KEYS[1]) if held then return held end "
    "redis.call('SET', KEYS[1], ARGV[1], 'PX', 30000) return ARGV[1]";
constexpr const char* keep =
    "if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end "
    "redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) return 1";

}  // namespace

struct Cache::State : std::enable_shared_from_this<Cache::State> {
    State(Redis* redis_, std::string prefix_, run::Duration keep_for_)
        : redis(redis_), prefix(std::move(prefix_)), keep_for(keep_for_), rng(auth::random_seed()) {}

    std::string entry(const std::string& key) const { return name(":", key); }
    std::string lease(const std::string& key) const { return name(":lease:", key); }
    std::string name(std::string_view kind, const std::string& key) const {
        std::string text = prefix;
        text += kind;
        text += redis->run();
        text += ':';
        return text += key;
    }

    /// Those who wait for one fetch: they found the same lease, so nothing was invalidated between them.
    struct Flight {
        std::vector<Fetched> waiters;
    };
    using FlightKey = std::pair<std::string, std::string>;  ///< key, lease

    void miss(const std::string& key, Fetch fetch, Fetched done) {
        const auto wish = base::uuid(rng);
        redis->command({"EVAL", take_lease, "1", lease(key), wish},
                       [self = shared_from_this(), key, fetch = std::move(fetch),
                        done = std::move(done)](base::Result<Value> held) mutable {
                           if (!held || held->text().empty()) return fetch(std::move(done));
                           self->fly({key, std::string(held->text())}, std::move(fetch), std::move(done));
                       });
    }

    void fly(FlightKey key, Fetch fetch, Fetched done) {
        const auto [flight, fresh] = flights.try_emplace(key);
        flight->second.waiters.push_back(std::move(done));
        if (!fresh) return;
        fetch([self = shared_from_this(), key](base::Result<std::string> text) { self->land(key, std::move(text)); });
    }

    void land(const FlightKey& key, base::Result<std::string> text) {
        const auto found = flights.find(key);
        if (found == flights.end()) return;
        auto flight = std::move(found->second);
        flights.erase(found);
        if (text) {
            const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(keep_for).count();
            redis->command({"EVAL", keep, "2", entry(key.first), lease(key.first), key.second, *text,
                            std::to_string(std::max<std::int64_t>(ms, 1))},
                           [](const auto&) {});
        }
        for (auto& waiter : flight.waiters) waiter(text);
    }

    /// Both of each key, in one command.
    std::vector<std::string> deletion(const std::vector<std::string>& keys) const {
        std::vector<std::string> words{"DEL"};
        for (const auto& key : keys) {
            words.push_back(entry(key));
            words.push_back(lease(key));
        }
        return words;
    }

    void invalidate(std::vector<std::string> keys, std::move_only_function<void(bool)> done) {
        auto words = deletion(keys);
        redis->command(std::move(words), [self = shared_from_this(), keys = std::move(keys),
                                          done = std::move(done)](const base::Result<Value>& deleted) mutable {
            if (!deleted) self->owe(std::move(keys));
            done(deleted.has_value());
        });
    }

    void owe(std::vector<std::string> keys) {
        ++rounds;
        for (auto& key : keys) {
            if (owed.size() < owed_max) owed.insert(std::move(key));
        }
    }

    /// What Redis did not acknowledge is not read by this process, and asked for again.
    void settle() {
        if (owed.empty() || settling) return;
        settling = true;
        std::vector<std::string> keys(owed.begin(), owed.end());
        auto words = deletion(keys);
        const auto before = ++rounds;
        redis->command(std::move(words),
                       [self = shared_from_this(), keys = std::move(keys), before](base::Result<Value> deleted) {
                           self->settling = false;
                           if (!deleted || self->rounds != before) return;
                           for (const auto& key : keys) self->owed.erase(key);
                       });
    }

    Redis* redis;
    std::string prefix;
    run::Duration keep_for;
    base::Rng rng;
    std::map<FlightKey, Flight> flights;
    std::set<std::string> owed;
    std::uint64_t rounds = 0;  ///< raised when keys become owed: an older deletion does not settle them
    bool settling = false;
};

Cache::Cache(Redis* redis, std::string prefix, run::Duration keep_for)
    : state_(std::make_shared<State>(redis, std::move(prefix), keep_for)) {}

void Cache::get(const std::string& key, Fetch fetch, Fetched done) {
    auto& state = *state_;
    if (!state.redis || state.redis->away()) return fetch(std::move(done));
    if (!state.owed.empty()) {
        state.settle();
        if (state.owed.size() >= owed_max || state.owed.contains(key)) return fetch(std::move(done));
    }
    state.redis->command({"GET", state.entry(key)}, [self = state_, key, fetch = std::move(fetch),
                                                     done = std::move(done)](base::Result<Value> found) mutable {
        if (!found) return fetch(std::move(done));
        if (found->nil()) return self->miss(key, std::move(fetch), std::move(done));
        done(std::string(found->text()));
    });
}

void Cache::invalidate(std::vector<std::string> keys, std::move_only_function<void(bool)> done) {
    auto& state = *state_;
    if (!state.redis || keys.empty()) return done(true);
    if (!state.redis->run().empty()) return state.invalidate(std::move(keys), std::move(done));
    // Not connected yet: which run it is, is known when it has answered.
    state.redis->command({"PING"}, [self = state_, keys = std::move(keys),
                                    done = std::move(done)](const base::Result<Value>& up) mutable {
        if (up) return self->invalidate(std::move(keys), std::move(done));
        self->owe(std::move(keys));
        done(false);
    });
}

}  // namespace kit::redis
