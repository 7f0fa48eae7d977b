// The outbox by its promise: what was committed is delivered, in order, at least once; what was rolled back never.
#include "kit/db/outbox.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <set>

#include "kit/testing/database_fixture.h"

namespace kit::db {
namespace {

/// What a receiver saw, with a way to wait for it.
class Seen {
 public:
    void add(std::string id) {
        const std::scoped_lock lock(mutex_);
        ids_.push_back(std::move(id));
        changed_.notify_all();
    }
    std::vector<std::string> wait_for(std::size_t count) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, std::chrono::seconds(30), [&] { return ids_.size() >= count; });
        return ids_;
    }

 private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> ids_;
};

OutboxOptions quick() {
    using std::chrono::milliseconds;
    return {.batch = 4, .look_every = milliseconds(20), .lease = milliseconds(600), .retry_first = milliseconds(5)};
}

std::vector<std::string> numbers(int from, int to) {
    std::vector<std::string> ids;
    for (int at = from; at < to; ++at) ids.push_back(std::to_string(at));
    return ids;
}

class Outboxes : public testing::DatabaseTest {
 protected:
    void SetUp() override {
        testing::DatabaseTest::SetUp();
        if (IsSkipped()) return;
        database_ = &open_one();
        const auto made = testing::await<base::Result<void>>(
            loop_, [&](auto done) { migrate(*database_, {Outbox::migration(1)}, std::move(done)); });
        ASSERT_TRUE(made) << made.error().message;
    }
    void TearDown() override {
        loop_.run([&] { outboxes_.clear(); });
        testing::DatabaseTest::TearDown();
    }
    Outbox& start(Database& database, Deliver deliver, OutboxOptions options = quick()) {
        return *loop_.run([&] {
            outboxes_.push_back(
                std::make_unique<Outbox>(database, timers_, log_, metrics_, std::move(deliver), options));
            return outboxes_.back().get();
        });
    }
    base::Result<void> write(Outbox& outbox, const std::string& id, base::Result<void> outcome = {}) {
        return transact(*database_, [&outbox, id, outcome](Session& session, Done done) {
            outbox.add(session, {id, "t", "s/" + id, "{\"id\":\"" + id + "\"}"},
                       [outcome, done = std::move(done)](base::Result<void> added) mutable {
                           done(added ? outcome : std::move(added));
                       });
        });
    }
    std::int64_t count(const std::string& where) {
        return ask(*database_, "SELECT COUNT(*) FROM outbox WHERE " + where)->number(0, 0);
    }

    Metrics metrics_;
    Database* database_ = nullptr;
    std::vector<std::unique_ptr<Outbox>> outboxes_;
};

INSTANTIATE_TEST_SUITE_P(On, Outboxes, ::testing::Values("sqlite", "postgres"),
                         [](const auto& info) { return info.param; });

TEST_P(Outboxes, WhatWasCommittedIsDeliveredInOrderAndNothingElse) {
    Seen seen;
    auto& outbox = start(*database_, [&](const Event& event, Done done) {
        EXPECT_EQ(event.json, "{\"id\":\"" + event.id + "\"}");
        EXPECT_EQ(event.subject, "s/" + event.id);
        seen.add(event.id);
        done({});
    });
    for (int at = 0; at < 11; ++at) {
        ASSERT_TRUE(write(outbox, std::to_string(at)));
        EXPECT_FALSE(write(outbox, "no" + std::to_string(at), base::fail(base::Code::conflict, "no")));
        if (at % 3 == 0) loop_.run([&] { outbox.wake(); });
    }
    EXPECT_TRUE(write(outbox, "10")) << "the same event again changes nothing";
    EXPECT_EQ(seen.wait_for(11), numbers(0, 11));
    while (count("delivered_ms IS NULL") > 0) {
    }
    EXPECT_EQ(seen.wait_for(11).size(), 11U);
    EXPECT_NE(metrics_.text().find("app_outbox_waiting 0"), std::string::npos) << metrics_.text();
}

TEST_P(Outboxes, FailuresAreTriedAgainAndNothingOvertakes) {
    Seen seen;
    int attempt = 0;
    auto& outbox = start(*database_, [&](const Event& event, Done done) {
        if (++attempt % 3 != 0) return done(base::fail(base::Code::unavailable, "away"));
        seen.add(event.id);
        done({});
    });
    for (const auto& id : numbers(0, 6)) ASSERT_TRUE(write(outbox, id));
    EXPECT_EQ(seen.wait_for(6), numbers(0, 6));
}

TEST_P(Outboxes, AReceiverThatNeverAnswersIsAskedAgain) {
    Seen seen;
    std::vector<Done> kept;
    auto options = quick();
    options.deliver_limit = std::chrono::milliseconds(30);
    auto& outbox = start(
        *database_,
        [&](const Event& event, Done done) {
            if (kept.empty()) return kept.push_back(std::move(done));
            seen.add(event.id);
            done({});
        },
        options);
    ASSERT_TRUE(write(outbox, "0"));
    EXPECT_EQ(seen.wait_for(1), numbers(0, 1));
    loop_.run([&] { kept.clear(); });
}

TEST_P(Outboxes, WhatWasDeliveredIsKeptForAWhileThenRemoved) {
    Seen seen;
    const auto deliver = [&](const Event& event, Done done) {
        seen.add(event.id);
        done({});
    };
    auto& outbox = start(*database_, deliver);
    for (const auto& id : numbers(0, 3)) ASSERT_TRUE(write(outbox, id));
    seen.wait_for(3);
    while (count("delivered_ms IS NOT NULL") < 3) {
    }
    loop_.run([&] { outboxes_.clear(); });
    auto options = quick();
    options.keep_delivered = std::chrono::milliseconds(1);
    start(*database_, deliver, options);
    while (count("1 = 1") > 0) {
    }
    EXPECT_EQ(seen.wait_for(3), numbers(0, 3)) << "and none was sent again";
}

TEST_P(Outboxes, OfManyReplicasOneDeliversAtATime) {
    constexpr int replicas = 3, events = 60;
    Seen seen;
    std::atomic<int> at_once = 0;
    std::vector<Outbox*> all;
    std::vector<run::Timer> timers;
    for (int replica = 0; replica < replicas; ++replica) {
        all.push_back(&start(open_one(), [&](const Event& event, Done done) {
            EXPECT_EQ(++at_once, 1);
            seen.add(event.id);
            timers.push_back(timers_.after(std::chrono::milliseconds(1), [&, done = std::move(done)]() mutable {
                --at_once;
                done({});
            }));
        }));
    }
    for (int at = 0; at < events; ++at) {
        auto& writer = *all[static_cast<std::size_t>(at % replicas)];
        ASSERT_TRUE(write(writer, std::to_string(at)));
        loop_.run([&] { writer.wake(); });
    }
    EXPECT_EQ(seen.wait_for(events), numbers(0, events)) << "each once: nobody crashed";
    while (count("delivered_ms IS NULL") > 0) {
    }
    loop_.run([&] {
        outboxes_.clear();
        timers.clear();
    });
}

constexpr int rounds = 8;  ///< in which senders are killed; in one more nothing is written

/// A process that writes events in transactions and delivers them: "w ID" after a commit, "d ID" at a delivery, each
/// as one write to `out`.
[[noreturn]] void sender(const std::string& url, int out, int round) {
    boost::asio::io_context io{1};
    run::AsioLoop loop(io);
    Log log(loop, STDERR_FILENO, "sender", Level::error);
    Metrics metrics;
    auto database = open(io, log, url);
    base::check(database.has_value(), "the database opens");
    const auto say = [out](char what, const std::string& id) {
        const auto line = what + (" " + id + "\n");
        base::check(::write(out, line.data(), line.size()) == static_cast<ssize_t>(line.size()), "the line is written");
    };
    std::unique_ptr<Outbox> outbox;
    int written = 0;
    std::function<void()> write_next = [&] {
        const auto id = fmt::format("{:03}-{:05}", round, written++);
        (*database)->transact(
            [&, id](Session& session, Done done) {
                outbox->add(session, {id, "t", "s", "{}"}, std::move(done));
            },
            [&, id](base::Result<void> committed) {
                if (committed) say('w', id);
                outbox->wake();
                loop.post([&] { write_next(); });
            });
    };
    migrate(**database, {Outbox::migration(1)}, [&](base::Result<void> made) {
        base::check(made.has_value(), "the tables are made");
        auto options = quick();
        options.lease = std::chrono::milliseconds(100);
        outbox = std::make_unique<Outbox>(
            **database, loop, log, metrics,
            [&](const Event& event, Done done) {
                say('d', event.id);
                done({});
            },
            options);
        if (round < rounds) write_next();
    });
    io.run();
    ::_exit(0);
}

class KilledSenders : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(On, KilledSenders, ::testing::Values("sqlite", "postgres"),
                         [](const auto& info) { return info.param; });

TEST_P(KilledSenders, LoseNothing) {
    testing::TemporaryFolder folder;
    std::unique_ptr<testing::PrivatePostgres> postgres;
    auto url = "sqlite:" + folder.path() + "/outbox.db";
    if (GetParam() == "postgres") {
        std::string why;
        postgres = testing::PrivatePostgres::make(why);
        if (!postgres || !postgres->start()) GTEST_SKIP() << why;
        url = postgres->url();
    }
    base::Rng rng(7);
    std::set<std::string> written, delivered;
    std::string newest;
    const auto note = [&](std::string_view line) {
        const std::string id(line.substr(2, line.find('\n') - 2));
        if (line[0] == 'w') {
            written.insert(id);
        } else if (delivered.insert(id).second) {
            EXPECT_LT(newest, id) << "first deliveries are in order";
            newest = id;
        }
    };
    /// Runs a sender until `enough`, then kills it and reads what it still had said.
    const auto round = [&](int number, const std::function<bool()>& enough) {
        int ends[2];
        ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        const auto pid = ::fork();
        if (pid == 0) sender(url, ends[1], number);
        ::close(ends[1]);
        FILE* in = ::fdopen(ends[0], "r");
        char line[64];
        while (!enough() && std::fgets(line, sizeof line, in)) note(line);
        ::kill(pid, SIGKILL);
        while (std::fgets(line, sizeof line, in)) note(line);
        std::fclose(in);
        ::waitpid(pid, nullptr, 0);
    };
    for (int number = 0; number < rounds; ++number) {
        auto lines = 1 + rng.below(60);
        round(number, [&] { return lines-- == 0; });
    }
    const auto all_there = [&] { return std::ranges::includes(delivered, written); };
    round(rounds, all_there);
    EXPECT_TRUE(std::ranges::includes(delivered, written));
    EXPECT_GT(written.size(), static_cast<std::size_t>(rounds));
}

}  // namespace
}  // namespace kit::db
