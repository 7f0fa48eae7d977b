// Redis and what is built of it, against a real redis-server that is killed, paused and started again.
#include "kit/redis/redis.h"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <set>

#include "kit/redis/cache.h"
#include "kit/redis/event_log.h"
#include "kit/redis/limits.h"
#include "kit/testing/database_fixture.h"

namespace kit::redis {
namespace {

using std::chrono::milliseconds;

class WithRedis : public ::testing::Test {
 protected:
    void SetUp() override {
        std::signal(SIGPIPE, SIG_IGN);
        std::string why;
        server_ = testing::PrivateRedis::make(why, "se cret");
        if (!server_) GTEST_SKIP() << why;
        redis_ = open_one();
        ASSERT_TRUE(ask({"PING"}));
    }
    void TearDown() override {
        loop_.run([&] {
            consumers_.clear();
            redis_.reset();
        });
    }
    RedisOptions options() const {
        return {.port = server_->port(),
                .password = "se cret",
                .timeout = milliseconds(400),
                .reconnect_first = milliseconds(10),
                .reconnect_last = milliseconds(50)};
    }
    std::unique_ptr<Redis> open_one() {
        return loop_.run([&] { return open(loop_.io, log_, options()); });
    }
    base::Result<Value> ask(std::vector<std::string> words) {
        return testing::await<base::Result<Value>>(
            loop_, [&](auto done) { redis_->command(std::move(words), std::move(done)); });
    }
    /// Asks until it is answered well.
    void wait_until_back() {
        while (!ask({"PING"})) {
        }
    }
    Consumer& consume(const std::string& name, Consumer::Handle handle, run::Duration claim_after = milliseconds(200)) {
        return *loop_.run([&] {
            consumers_.push_back(std::make_unique<Consumer>(
                *redis_, timers_, log_,
                ConsumerOptions{.group = "g", .consumer = name, .batch = 4, .claim_after = claim_after},
                std::move(handle)));
            return consumers_.back().get();
        });
    }

    testing::LoopThread loop_;
    run::AsioLoop timers_{loop_.io};
    Log log_{timers_, STDERR_FILENO, "test", Level::error};
    std::unique_ptr<testing::PrivateRedis> server_;
    std::unique_ptr<Redis> redis_;
    std::vector<std::unique_ptr<Consumer>> consumers_;
};

TEST_F(WithRedis, ValuesOfEveryKind) {
    const std::string binary("a\0\r\n b", 6);
    EXPECT_EQ(ask({"SET", "k", binary})->text(), "OK");
    EXPECT_EQ(ask({"GET", "k"})->text(), binary);
    EXPECT_TRUE(ask({"GET", "none"})->nil());
    EXPECT_EQ(ask({"INCR", "n"})->number(), 1);
    ASSERT_TRUE(ask({"RPUSH", "l", "a", "b"}));
    const auto list = ask({"LRANGE", "l", "0", "-1"});
    ASSERT_EQ(list->list().size(), 2U);
    EXPECT_EQ(list->list()[1].text(), "b");
    EXPECT_EQ(ask({"INCR", "l"}).error().code, base::Code::conflict);
    EXPECT_EQ(ask({"NONSENSE"}).error().code, base::Code::internal);
    EXPECT_FALSE(redis_->away());
}

TEST_F(WithRedis, CommandsArePipelinedAndAnsweredInOrder) {
    std::vector<std::int64_t> numbers;
    testing::await<bool>(loop_, [&](auto done) {
        auto finished = std::make_shared<decltype(done)>(done);
        for (int at = 1; at <= 5000; ++at) {
            redis_->command({"INCR", "n"}, [&, at, finished](base::Result<Value> value) {
                numbers.push_back(value ? value->number() : -1);
                if (at == 5000) (*finished)(true);
            });
        }
        EXPECT_EQ(redis_->waiting(), 5000U);
    });
    ASSERT_EQ(numbers.size(), 5000U);
    for (std::size_t at = 0; at < numbers.size(); ++at) ASSERT_EQ(numbers[at], static_cast<std::int64_t>(at) + 1);
    const std::string large(3'000'000, 'x');
    EXPECT_EQ(ask({"SET", "large", large})->text(), "OK");
    EXPECT_EQ(ask({"GET", "large"})->text(), large);
}

TEST_F(WithRedis, AServerThatDiesAndComesBack) {
    ASSERT_TRUE(ask({"PING"}));
    server_->stop();
    auto lost = ask({"PING"});
    while (lost) lost = ask({"PING"});
    EXPECT_EQ(lost.error().code, base::Code::unavailable) << lost.error().message;
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(ask({"PING"}).error().code, base::Code::unavailable);
    EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(200)) << "who is away is not waited for";
    EXPECT_TRUE(loop_.run([&] { return redis_->away(); }));
    ASSERT_TRUE(server_->start());
    wait_until_back();
    EXPECT_FALSE(loop_.run([&] { return redis_->away(); }));
}

TEST_F(WithRedis, AServerThatStandsStillTimesOut) {
    ASSERT_TRUE(ask({"PING"}));
    server_->pause();
    EXPECT_EQ(ask({"PING"}).error().code, base::Code::timeout);
    EXPECT_EQ(ask({"PING"}).error().code, base::Code::unavailable);
    server_->resume();
    wait_until_back();
}

TEST_F(WithRedis, AWrongPasswordIsSaid) {
    auto wrong = options();
    wrong.password = "other";
    auto refused = loop_.run([&] { return open(loop_.io, log_, wrong); });
    const auto answer =
        testing::await<base::Result<Value>>(loop_, [&](auto done) { refused->command({"PING"}, std::move(done)); });
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, base::Code::unavailable);
    EXPECT_NE(answer.error().message.find("WRONGPASS"), std::string::npos) << answer.error().message;
    EXPECT_EQ(answer.error().message.find("other"), std::string::npos);
    loop_.run([&] { refused.reset(); });
}

TEST_F(WithRedis, BlockingCommandsDoNotHoldUpOthers) {
    std::promise<std::string> popped;
    loop_.run([&] {
        for (int at = 0; at < 2; ++at) {
            redis_->blocking({"BLPOP", "q" + std::to_string(at), "5"}, milliseconds(5000), [&](base::Result<Value> v) {
                if (v && v->list().size() == 2 && v->list()[0].text() == "q0")
                    popped.set_value(std::string(v->list()[1].text()));
            });
        }
    });
    EXPECT_TRUE(ask({"PING"}));
    ASSERT_TRUE(ask({"RPUSH", "q0", "x"}));
    auto future = popped.get_future();
    ASSERT_EQ(future.wait_for(std::chrono::seconds(5)), std::future_status::ready);
    EXPECT_EQ(future.get(), "x");
}

class CacheTest : public WithRedis {
 protected:
    std::string get(Cache& cache, const std::string& key, Cache::Fetch fetch) {
        return *testing::await<base::Result<std::string>>(
            loop_, [&](auto done) { cache.get(key, std::move(fetch), std::move(done)); });
    }
    bool invalidate(Cache& cache, const std::string& key) {
        return testing::await<bool>(loop_, [&](auto done) { cache.invalidate({key}, std::move(done)); });
    }
    /// What Redis holds under a key of this run of it.
    base::Result<Value> raw(const std::string& key) {
        const auto run = loop_.run([&] { return std::string(redis_->run()); });
        return ask({"GET", "c:" + run + ":" + key});
    }
    static Cache::Fetch gives(std::string text) {
        return [text](Cache::Fetched done) { done(text); };
    }
};

TEST_F(CacheTest, KeepsUntilInvalidated) {
    Cache cache(redis_.get(), "c", std::chrono::minutes(1));
    EXPECT_EQ(get(cache, "k", gives("1")), "1");
    EXPECT_EQ(get(cache, "k", gives("2")), "1");
    EXPECT_TRUE(invalidate(cache, "k"));
    EXPECT_EQ(get(cache, "k", gives("2")), "2");
    EXPECT_EQ(get(cache, "k", gives("3")), "2");
    EXPECT_EQ(get(cache, "other", gives("4")), "4");
    Cache none(nullptr, "c", std::chrono::minutes(1));
    EXPECT_EQ(get(none, "k", gives("5")), "5");
    EXPECT_TRUE(invalidate(none, "k"));
}

/// The race: a reader fetched the old text, an invalidation came between, then the reader wants to keep what it has.
TEST_F(CacheTest, AnOldTextIsNotPutBackAfterAnInvalidation) {
    auto second = open_one();
    Cache reader(redis_.get(), "c", std::chrono::minutes(1));
    Cache writer(second.get(), "c", std::chrono::minutes(1));
    for (auto* const invalidator : {&writer, &reader}) {
        ASSERT_TRUE(invalidate(reader, "k"));
        Cache::Fetched held;
        std::promise<void> fetching, answered;
        std::string old_answer;
        loop_.run([&] {
            reader.get(
                "k",
                [&](Cache::Fetched done) {
                    held = std::move(done);
                    fetching.set_value();
                },
                [&](base::Result<std::string> text) {
                    old_answer = *text;
                    answered.set_value();
                });
        });
        fetching.get_future().wait();
        ASSERT_TRUE(invalidate(*invalidator, "k"));
        EXPECT_EQ(get(reader, "k", gives("new")), "new") << "who comes after it does not join an older fetch";
        loop_.run([&] { held(std::string("old")); });
        answered.get_future().wait();
        EXPECT_EQ(old_answer, "old") << "who came before it may see it";
        EXPECT_EQ(get(writer, "k", gives("newer")), "new") << "and it was not kept";
        EXPECT_EQ(raw("k")->text(), "new");
    }
    loop_.run([&] { second.reset(); });
}

TEST_F(CacheTest, ManyThatMissTogetherFetchOnceAndErrorsAreNotKept) {
    Cache cache(redis_.get(), "c", std::chrono::minutes(1));
    int fetches = 0;
    std::atomic<int> answers = 0;
    testing::await<bool>(loop_, [&](auto done) {
        auto finished = std::make_shared<decltype(done)>(done);
        for (int at = 0; at < 50; ++at) {
            cache.get(
                "k",
                [&](Cache::Fetched fetched) {
                    ++fetches;
                    timers_.post([fetched = std::move(fetched)]() mutable {
                        fetched(base::fail(base::Code::not_found, "none"));
                    });
                },
                [&, finished](base::Result<std::string> text) {
                    EXPECT_FALSE(text);
                    if (++answers == 50) (*finished)(true);
                });
        }
    });
    EXPECT_LT(fetches, 50);
    EXPECT_EQ(get(cache, "k", gives("1")), "1");
}

TEST_F(CacheTest, AnInvalidationThatRedisMissedIsMadeUpFor) {
    Cache cache(redis_.get(), "c", std::chrono::minutes(1));
    EXPECT_EQ(get(cache, "k", gives("1")), "1");
    server_->pause();
    EXPECT_FALSE(invalidate(cache, "k"));
    EXPECT_EQ(get(cache, "k", gives("2")), "2") << "without Redis everything misses";
    server_->resume();
    wait_until_back();
    EXPECT_EQ(get(cache, "k", gives("2")), "2") << "the entry that is still there is not believed";
    while (!raw("k")->nil()) {
    }
    EXPECT_EQ(get(cache, "k", gives("3")), "3");
    EXPECT_EQ(get(cache, "k", gives("4")), "3");
}

/// Redis comes back as it was before the invalidation, which it had acknowledged: it writes its log once a second.
TEST_F(CacheTest, WhatARedisBringsBackFromItsDiskIsNotBelieved) {
    Cache cache(redis_.get(), "c", std::chrono::minutes(1));
    EXPECT_EQ(get(cache, "k", gives("old")), "old");
    ASSERT_TRUE(ask({"SAVE"}));
    EXPECT_TRUE(invalidate(cache, "k"));
    server_->stop();
    ASSERT_TRUE(server_->start());
    wait_until_back();
    EXPECT_EQ(ask({"KEYS", "c:*"})->list().size(), 2u) << "the old text and its lease are there again";
    EXPECT_EQ(get(cache, "k", gives("new")), "new");
    EXPECT_EQ(get(cache, "k", gives("newer")), "new") << "and what this run keeps is read";
}

TEST_F(CacheTest, AnInvalidationBeforeTheConnectionStandsIsDone) {
    Cache cache(redis_.get(), "c", std::chrono::minutes(1));
    EXPECT_EQ(get(cache, "k", gives("old")), "old");
    std::unique_ptr<Redis> second;
    std::unique_ptr<Cache> writer;
    const bool done = testing::await<bool>(loop_, [&](auto answer) {
        second = open(loop_.io, log_, options());
        writer = std::make_unique<Cache>(second.get(), "c", std::chrono::minutes(1));
        writer->invalidate({"k"}, std::move(answer));
    });
    EXPECT_TRUE(done);
    EXPECT_EQ(get(cache, "k", gives("new")), "new");
    loop_.run([&] { second.reset(); });
}

class Limits : public WithRedis {
 protected:
    Allowance take(RateLimit& limit, const std::string& key) {
        return testing::await<Allowance>(loop_, [&](auto done) { limit.take(key, std::move(done)); });
    }
    std::unique_ptr<Lock> lock(Redis* redis, const std::string& name, run::Duration time) {
        return testing::await<std::unique_ptr<Lock>>(
            loop_, [&](auto done) { try_lock(redis, timers_, name, time, std::move(done)); });
    }
};

TEST_F(Limits, AWindowSlidesForAllProcessesAndForOneWithoutRedis) {
    auto second = open_one();
    testing::await<base::Result<Value>>(loop_, [&](auto done) { second->command({"PING"}, std::move(done)); });
    const auto window = milliseconds(300);
    RateLimit one(redis_.get(), timers_, "r", 3, window), other(second.get(), timers_, "r", 3, window);
    RateLimit local(nullptr, timers_, "r", 3, window);
    for (auto* const pair : {&other, &local}) {
        auto& first = pair == &local ? local : one;
        EXPECT_EQ(take(first, "k").left, 2);
        EXPECT_EQ(take(*pair, "k").left, 1);
        EXPECT_TRUE(take(first, "k").allowed);
        const auto refused = take(*pair, "k");
        EXPECT_FALSE(refused.allowed);
        EXPECT_GT(refused.retry_after, run::Duration::zero());
        EXPECT_LE(refused.retry_after, window);
        EXPECT_TRUE(take(first, "another").allowed);
        while (!take(*pair, "k").allowed) {
        }
        loop_.run([&] { first.reset("k"); });
        EXPECT_EQ(take(first, "k").left, 2);
    }
    server_->stop();
    EXPECT_TRUE(take(one, "k").allowed) << "without its server it counts by itself";
    loop_.run([&] { second.reset(); });
}

TEST_F(Limits, ALockHasOneHolderIsRenewedAndNoticesItsLoss) {
    const auto time = milliseconds(150);
    auto held = lock(redis_.get(), "l", time);
    ASSERT_TRUE(held);
    const auto until = std::chrono::steady_clock::now() + 3 * time;
    while (std::chrono::steady_clock::now() < until) EXPECT_FALSE(lock(redis_.get(), "l", time));
    EXPECT_TRUE(held->held());
    loop_.run([&] { held.reset(); });
    held = lock(redis_.get(), "l", time);
    ASSERT_TRUE(held) << "given back when it is dropped";
    ASSERT_TRUE(ask({"SET", "l", "a thief"}));
    while (loop_.run([&] { return held->held(); })) {
    }
    loop_.run([&] { held.reset(); });
    EXPECT_EQ(ask({"GET", "l"})->text(), "a thief") << "another's lock is not given back";
    auto local = lock(nullptr, "l", time);
    EXPECT_TRUE(local);
    EXPECT_FALSE(lock(nullptr, "l", time));
    loop_.run([&] { local.reset(); });
    local = lock(nullptr, "l", time);
    EXPECT_TRUE(local);
    loop_.run([&] { local.reset(); });
}

class Events : public WithRedis {
 protected:
    void write(const std::string& body) {
        const auto added = testing::await<base::Result<Value>>(
            loop_, [&](auto done) { append(*redis_, "events", body, 1000, std::move(done)); });
        ASSERT_TRUE(added) << added.error().message;
    }
    void note(const std::string& body) {
        const std::scoped_lock lock(mutex_);
        seen_.push_back(body);
        changed_.notify_all();
    }
    std::vector<std::string> seen(std::size_t count) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, std::chrono::seconds(20), [&] { return seen_.size() >= count; });
        return seen_;
    }
    std::int64_t pending() { return ask({"XPENDING", "events", "g"})->list()[0].number(); }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> seen_;
};

TEST_F(Events, EachIsGivenToOneConsumerOfTheGroup) {
    for (int at = 0; at < 5; ++at) write(std::to_string(at));
    const auto handle = [&](Entry entry, auto done) {
        EXPECT_EQ(entry.deliveries, 1);
        done(true);
        note(entry.body);
    };
    consume("a", handle);
    consume("b", handle);
    for (int at = 5; at < 30; ++at) write(std::to_string(at));
    const auto all = seen(30);
    EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), 30U);
    EXPECT_EQ(all.size(), 30U);
    while (pending() > 0) {
    }
}

TEST_F(Events, WhatWasNotDoneComesAgainAndWhatTheDeadLeftIsClaimed) {
    auto& dead = consume("dead", [&](Entry entry, auto) { note("dead " + entry.body); });
    write("1");
    EXPECT_EQ(seen(1).front(), "dead 1");
    loop_.run([&] { std::erase_if(consumers_, [&](const auto& one) { return one.get() == &dead; }); });
    std::int64_t deliveries = 0;
    consume("living", [&](Entry entry, auto done) {
        deliveries = entry.deliveries;
        note("living " + entry.body);
        done(deliveries >= 3);
    });
    EXPECT_EQ(seen(3), (std::vector<std::string>{"dead 1", "living 1", "living 1"}));
    EXPECT_EQ(loop_.run([&] { return deliveries; }), 3);
}

TEST_F(Events, AProcessOfTheSameNameTakesUpItsOwnAtOnce) {
    auto& first = consume(
        "same", [&](Entry entry, auto) { note(entry.body); }, std::chrono::hours(1));
    write("1");
    seen(1);
    loop_.run([&] { std::erase_if(consumers_, [&](const auto& one) { return one.get() == &first; }); });
    consume(
        "same",
        [&](Entry entry, auto done) {
            note(entry.body + " again");
            done(true);
        },
        std::chrono::hours(1));
    EXPECT_EQ(seen(2), (std::vector<std::string>{"1", "1 again"}));
}

TEST_F(Events, AConsumerOutlivesItsServerEvenWhenTheStreamIsGone) {
    consume("a", [&](Entry entry, auto done) {
        note(entry.body);
        done(true);
    });
    write("1");
    seen(1);
    server_->stop();
    ASSERT_TRUE(server_->start());
    wait_until_back();
    write("2");
    EXPECT_EQ(seen(2), (std::vector<std::string>{"1", "2"}));
}

}  // namespace
}  // namespace kit::redis
