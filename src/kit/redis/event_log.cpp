#include "kit/redis/event_log.h"

#include <algorithm>
#include <map>
#include <set>

namespace kit::redis {
namespace {

constexpr auto block = std::chrono::milliseconds(2000);
constexpr auto retry_first = std::chrono::milliseconds(100);
constexpr auto retry_last = std::chrono::seconds(2);
constexpr const char* field = "event";

std::string in_ms(run::Duration time) {
    return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
}

/// [[id, [field, text, ...]], ...]; an entry that was trimmed away meanwhile is nil or has no fields: its body is "".
std::vector<Entry> entries_of(const Value& list) {
    std::vector<Entry> entries;
    for (const auto& one : list.list()) {
        if (one.list().empty()) continue;
        Entry entry{.id = std::string(one.list()[0].text()), .body = {}};
        if (one.list().size() > 1) {
            const auto& pairs = one.list()[1].list();
            for (std::size_t at = 0; at + 1 < pairs.size(); at += 2) {
                if (pairs[at].text() == field) entry.body = pairs[at + 1].text();
            }
        }
        entries.push_back(std::move(entry));
    }
    return entries;
}

}  // namespace

/// Makes the group; takes up what an earlier process of the same name left; then reads what is new, and now and then
/// claims what others left.
struct Consumer::State : std::enable_shared_from_this<Consumer::State> {
    State(Redis& redis_, run::Loop& loop_, Log& log_, ConsumerOptions options_, Handle handle_)
        : redis(redis_), loop(loop_), log(log_), options(std::move(options_)), handle(std::move(handle_)) {}

    template <class Then>
    Answer answer(Then then) {
        return [weak = weak_from_this(), then = std::move(then)](base::Result<Value> value) mutable {
            const auto self = weak.lock();
            if (!self || self->stopped) return;
            if (!value) return self->failed(value.error());
            then(*self, std::move(*value));
        };
    }

    void start() {
        redis.command({"XGROUP", "CREATE", options.stream, options.group, "0", "MKSTREAM"},
                      [weak = weak_from_this()](base::Result<Value> made) {
                          const auto self = weak.lock();
                          if (!self || self->stopped) return;
                          if (!made && made.error().code != base::Code::already_exists)
                              return self->failed(made.error());
                          self->recovered();
                          self->read_left("0");
                      });
    }

    void failed(const base::Error& error) {
        if (!away) log.warn("events cannot be read", {{"stream", options.stream}, {"error", error.message}});
        away = true;
        retry = loop.after(pause, [this] { start(); });
        pause = std::min<run::Duration>(pause * 2, retry_last);
    }

    void recovered() {
        if (std::exchange(away, false)) log.info("events are read again", {{"stream", options.stream}});
        pause = retry_first;
    }

    /// What this consumer was given before and did not acknowledge, after `id`.
    void read_left(const std::string& id) {
        redis.command({"XREADGROUP", "GROUP", options.group, options.consumer, "COUNT", std::to_string(options.batch),
                       "STREAMS", options.stream, id},
                      answer([](State& self, const Value& value) {
                          auto entries = entries_of_stream(value);
                          if (entries.empty()) return self.claim("0-0");
                          const auto last = entries.back().id;
                          self.give_again(std::move(entries), [last](State& state) { state.read_left(last); });
                      }));
    }

    /// What anybody was given and did not acknowledge for `claim_after`.
    void claim(const std::string& from) {
        redis.command({"XAUTOCLAIM", options.stream, options.group, options.consumer, in_ms(options.claim_after), from,
                       "COUNT", std::to_string(options.batch)},
                      answer([](State& self, const Value& value) { self.take_claimed(value); }));
    }
    void take_claimed(const Value& value) {
        if (value.list().size() < 2) return failed({base::Code::internal, "XAUTOCLAIM answers otherwise"});
        const std::string next(value.list()[0].text());
        give_again(entries_of(value.list()[1]), [next](State& state) {
            if (next != "0-0") return state.claim(next);
            state.claim_at = state.loop.now() + state.options.claim_after / 2;
            state.read();
        });
    }

    /// Gives entries that were given before, with how often that was.
    void give_again(std::vector<Entry> entries, std::function<void(State&)> then) {
        if (entries.empty()) return then(*this);
        std::vector<std::string> words{"XPENDING", options.stream, options.group, entries.front().id,
                                       entries.back().id};
        words.push_back(std::to_string(10 * options.batch));
        words.push_back(options.consumer);
        redis.command(std::move(words), answer([entries = std::move(entries), then = std::move(then)](
                                                   State& self, const Value& value) mutable {
                          std::map<std::string_view, std::int64_t> times;
                          for (const auto& one : value.list()) {
                              if (one.list().size() == 4) times[one.list()[0].text()] = one.list()[3].number();
                          }
                          for (auto& entry : entries) {
                              if (const auto found = times.find(entry.id); found != times.end())
                                  entry.deliveries = found->second;
                              self.give(std::move(entry));
                          }
                          self.when_room(std::move(then));
                      }));
    }

    void read() {
        if (loop.now() >= claim_at) return claim("0-0");
        const auto room = options.batch - in_hand.size();
        const auto patience = std::clamp<run::Duration>(claim_at - loop.now(), std::chrono::milliseconds(1), block);
        redis.blocking({"XREADGROUP", "GROUP", options.group, options.consumer, "COUNT", std::to_string(room), "BLOCK",
                        in_ms(patience + std::chrono::milliseconds(1)), "STREAMS", options.stream, ">"},
                       patience, answer([](State& self, const Value& value) {
                           for (auto& entry : entries_of_stream(value)) self.give(std::move(entry));
                           self.when_room([](State& state) { state.read(); });
                       }));
    }

    /// [[stream, entries]] or nil.
    static std::vector<Entry> entries_of_stream(const Value& value) {
        if (value.list().empty() || value.list()[0].list().size() < 2) return {};
        return entries_of(value.list()[0].list()[1]);
    }

    void give(Entry entry) {
        if (!in_hand.insert(entry.id).second) return;  // claimed from ourselves: it is being handled
        const auto id = entry.id;
        if (entry.body.empty()) return answered(id, true);  // trimmed away: there is nothing to handle
        handle(std::move(entry), [weak = weak_from_this(), id](bool done) {
            if (const auto self = weak.lock(); self && !self->stopped) self->answered(id, done);
        });
    }

    void answered(const std::string& id, bool done) {
        in_hand.erase(id);
        if (done) redis.command({"XACK", options.stream, options.group, id}, [](const auto&) {});
        if (!full_then || in_hand.size() >= options.batch) return;
        loop.post([weak = weak_from_this()] {
            const auto self = weak.lock();
            if (!self || self->stopped || !self->full_then) return;
            std::exchange(self->full_then, nullptr)(*self);
        });
    }

    /// At most a batch is in hand.
    void when_room(std::function<void(State&)> then) {
        if (in_hand.size() < options.batch) return then(*this);
        full_then = std::move(then);
    }

    Redis& redis;
    run::Loop& loop;
    Log& log;
    ConsumerOptions options;
    Handle handle;
    std::set<std::string> in_hand;
    std::function<void(State&)> full_then;
    run::Time claim_at{};
    run::Timer retry;
    run::Duration pause = retry_first;
    bool away = false;
    bool stopped = false;
};

Consumer::Consumer(Redis& redis, run::Loop& loop, Log& log, ConsumerOptions options, Handle handle)
    : state_(std::make_shared<State>(redis, loop, log, std::move(options), std::move(handle))) {
    state_->start();
}

Consumer::~Consumer() { state_->stopped = true; }

void append(Redis& redis, const std::string& stream, std::string body, std::int64_t entries_max, Answer answer) {
    redis.command({"XADD", stream, "MAXLEN", "~", std::to_string(entries_max), "*", field, std::move(body)},
                  std::move(answer));
}

}  // namespace kit::redis
