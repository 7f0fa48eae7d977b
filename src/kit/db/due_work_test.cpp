// Due work and kept answers, on SQLite and on a real PostgreSQL.
#include "kit/db/due_work.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>

#include "kit/db/idempotency.h"
#include "kit/testing/database_fixture.h"

namespace kit::db {
namespace {

static_assert(time_of(milliseconds(run::Time(std::chrono::hours(20)))) == run::Time(std::chrono::hours(20)));
static_assert(time_of(never) == run::Time::max());

using kit::testing::await;
using kit::testing::DatabaseTest;

class DueWorkTest : public DatabaseTest {
 protected:
    void SetUp() override {
        DatabaseTest::SetUp();
        if (IsSkipped()) return;
        auto& database = open_one();
        ASSERT_TRUE(ask(database,
                        "CREATE TABLE jobs (id TEXT PRIMARY KEY, due_at BIGINT NOT NULL, lease_until BIGINT NOT "
                        "NULL DEFAULT 0, tries INTEGER NOT NULL DEFAULT 0)"));
    }
    static DueWorkOptions options() {
        return {.table = "jobs",
                .at_once = 3,
                .lease = std::chrono::milliseconds(200),
                .look_every = std::chrono::milliseconds(20),
                .again_first = std::chrono::milliseconds(10)};
    }
    static void finish(Database& database, const std::string& id, Done done) {
        database.run("UPDATE jobs SET due_at = $1, lease_until = 0 WHERE id = $2", {std::to_string(never), id},
                     [done = std::move(done)](base::Result<Rows> rows) mutable {
                         done(rows ? base::Result<void>{} : std::unexpected(std::move(rows).error()));
                     });
    }
    std::int64_t left(Database& database) {
        const auto rows = ask(database, "SELECT COUNT(*) FROM jobs WHERE due_at < $1", {std::to_string(never)});
        return rows ? rows->number(0, 0) : -1;
    }
    template <class Check>
    static bool until(Check check) {
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (!check()) {
            if (std::chrono::steady_clock::now() > limit) return false;
        }
        return true;
    }
};

INSTANTIATE_TEST_SUITE_P(On, DueWorkTest, ::testing::Values("sqlite", "postgres"),
                         [](const auto& info) { return info.param; });

TEST_P(DueWorkTest, TwoWorkersDoEachJobOnceAndAgainWhatFailed) {
    auto& database = open_one();
    auto& other = open_one();
    std::map<std::string, int> done;  // touched on the loop only
    const auto handle = [&](Database& in) {
        return [&](const std::string& id, Done finished) {
            if (++done[id] == 1 && id == "job-7") {
                return finished(base::fail(base::Code::unavailable, "not this time"));
            }
            finish(in, id, std::move(finished));
        };
    };
    for (int at = 0; at < 20; ++at) {
        ASSERT_TRUE(ask(database, "INSERT INTO jobs (id, due_at) VALUES ($1, 0)", {"job-" + std::to_string(at)}));
    }
    auto workers = loop_.run([&] {
        std::vector<std::unique_ptr<DueWork>> made;
        made.push_back(std::make_unique<DueWork>(database, timers_, log_, options(), handle(database)));
        made.push_back(std::make_unique<DueWork>(other, timers_, log_, options(), handle(other)));
        return made;
    });
    EXPECT_TRUE(until([&] { return left(database) == 0; }));
    loop_.run([&] { workers.clear(); });
    EXPECT_EQ(done.size(), 20U);
    for (const auto& [id, count] : done) EXPECT_EQ(count, id == "job-7" ? 2 : 1) << id;
}

TEST_P(DueWorkTest, WhatADeadHolderLeftIsTakenUpWhenItsLeaseIsOver) {
    auto& database = open_one();
    const auto soon = milliseconds(std::chrono::system_clock::now() + std::chrono::milliseconds(300));
    ASSERT_TRUE(
        ask(database, "INSERT INTO jobs (id, due_at, lease_until) VALUES ('held', 0, $1)", {std::to_string(soon)}));
    std::atomic<std::int64_t> taken_at = 0;
    auto worker = loop_.run([&] {
        return std::make_unique<DueWork>(database, timers_, log_, options(), [&](const std::string& id, Done finished) {
            taken_at = milliseconds(std::chrono::system_clock::now());
            finish(database, id, std::move(finished));
        });
    });
    EXPECT_TRUE(until([&] { return left(database) == 0; }));
    loop_.run([&] { worker.reset(); });
    EXPECT_GE(taken_at.load(), soon);
}

TEST_P(DueWorkTest, AnswersAreKeptByKeyAndRequest) {
    auto& database = open_one();
    const auto migration = Idempotency::migration(1);
    const auto dialect = database.dialect();
    ASSERT_TRUE(transact(database, [&](Session& session, Done done) {
        session.script(dialect == Dialect::sqlite ? migration.sqlite : migration.postgres, std::move(done));
    }));
    const auto hash = Idempotency::hash_of("one");
    std::optional<KnownRequest> known;
    const auto look = [&](const std::string& with) {
        return transact(database, [&](Session& session, Done done) {
            Idempotency::find(session, "k", with,
                              [&, done = std::move(done)](base::Result<std::optional<KnownRequest>> found) mutable {
                                  if (!found) return done(std::unexpected(std::move(found).error()));
                                  known = std::move(*found);
                                  done({});
                              });
        });
    };
    const auto write = [&](Statement statement) {
        return transact(database, [&](Session& session, Done done) {
            std::vector<Statement> statements{std::move(statement)};
            run_all(session, std::move(statements), std::move(done));
        });
    };
    ASSERT_TRUE(look(hash));
    EXPECT_FALSE(known);
    ASSERT_TRUE(write(Idempotency::begin("k", hash, "order-1", std::chrono::system_clock::now())));
    ASSERT_TRUE(look(hash));
    EXPECT_FALSE(known->answer) << "it is being done";
    EXPECT_EQ(look(Idempotency::hash_of("another")).error().code, base::Code::invalid);
    ASSERT_TRUE(write(Idempotency::finish("k", {201, "first", "/orders/1"})));
    ASSERT_TRUE(write(Idempotency::finish("k", {200, "second", ""})));
    ASSERT_TRUE(look(hash));
    EXPECT_EQ(known->answer->body, "first") << "only the first answer counts";
    EXPECT_EQ(known->subject, "order-1");
    ASSERT_TRUE(look(std::string(any_request)));
    EXPECT_EQ(known->answer->status, 201);
}

}  // namespace
}  // namespace kit::db
