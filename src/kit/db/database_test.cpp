// Databases by their contract, against SQLite and, where there is one, a real PostgreSQL.
#include "kit/db/database.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>

#include "kit/testing/database_fixture.h"
#include "kit/testing/process.h"

namespace kit::db {
namespace {

class Databases : public testing::DatabaseTest {};

INSTANTIATE_TEST_SUITE_P(On, Databases, ::testing::Values("sqlite", "postgres"),
                         [](const auto& info) { return info.param; });

TEST_P(Databases, RunStatementsWithParametersAndTellConstraints) {
    auto& database = open_one();
    ASSERT_TRUE(ask(database, "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT NOT NULL)"));
    const auto added = ask(database, "INSERT INTO t (id, name) VALUES ($1, $2)", {"1", "it's; --"});
    ASSERT_TRUE(added) << added.error().message;
    EXPECT_EQ(added->affected, 1);
    const auto rows = ask(database, "SELECT id, name, NULL FROM t WHERE name = $1", {"it's; --"});
    ASSERT_TRUE(rows);
    ASSERT_EQ(rows->size(), 1U);
    EXPECT_EQ(rows->number(0, 0), 1);
    EXPECT_EQ(rows->text(0, 1), "it's; --");
    EXPECT_TRUE(rows->null(0, 2));
    EXPECT_EQ(ask(database, "INSERT INTO t (id, name) VALUES ($1, $2)", {"1", "b"}).error().code,
              base::Code::already_exists);
    EXPECT_EQ(ask(database, "INSERT INTO t (id, name) VALUES ($1, $2)", {"2", std::nullopt}).error().code,
              base::Code::invalid);
    EXPECT_EQ(ask(database, "SELECT nonsense").error().code, base::Code::internal);
    EXPECT_EQ(ask(database, "SELECT COUNT(*) FROM t")->number(0, 0), 1);
    EXPECT_FALSE(database.away());
}

TEST_P(Databases, TransactionsHoldTogetherOrNotAtAll) {
    auto& database = open_one();
    ASSERT_TRUE(ask(database, "CREATE TABLE t (id INTEGER PRIMARY KEY)"));
    const auto add_two = [](base::Result<void> outcome) {
        return [outcome](Session& session, Done done) {
            session.run("INSERT INTO t VALUES (1)", {},
                        [&session, outcome, done = std::move(done)](base::Result<Rows>) mutable {
                            session.run(
                                "INSERT INTO t VALUES (2)", {},
                                [outcome, done = std::move(done)](base::Result<Rows>) mutable { done(outcome); });
                        });
        };
    };
    EXPECT_FALSE(transact(database, add_two(base::fail(base::Code::conflict, "changed my mind"))));
    EXPECT_EQ(ask(database, "SELECT COUNT(*) FROM t")->number(0, 0), 0);
    EXPECT_TRUE(transact(database, add_two({})));
    EXPECT_EQ(ask(database, "SELECT COUNT(*) FROM t")->number(0, 0), 2);
}

TEST_P(Databases, MigrationsRunOnceWhenManyStartTogether) {
    const std::vector<Migration> migrations{{1, "make", "CREATE TABLE m (n INTEGER)", "CREATE TABLE m (n INTEGER)"},
                                            {2, "fill", "INSERT INTO m VALUES (7)", "INSERT INTO m VALUES (7)"}};
    std::vector<Database*> databases;
    for (int at = 0; at < 3; ++at) databases.push_back(&open_one());
    std::vector<std::promise<base::Result<void>>> answers(databases.size());
    loop_.run([&] {
        for (std::size_t at = 0; at < databases.size(); ++at) {
            migrate(*databases[at], migrations,
                    [&answers, at](base::Result<void> done) { answers[at].set_value(std::move(done)); });
        }
    });
    for (auto& answer : answers) {
        const auto done = answer.get_future().get();
        EXPECT_TRUE(done) << done.error().message;
    }
    EXPECT_EQ(ask(*databases[0], "SELECT COUNT(*) FROM m")->number(0, 0), 1);
    EXPECT_EQ(ask(*databases[0], "SELECT COUNT(*) FROM schema_migrations")->number(0, 0), 2);

    std::promise<base::Result<void>> broken;
    auto more = migrations;
    more.push_back({3, "wrong", "CREATE TABLE half (n INTEGER); NONSENSE", "CREATE TABLE half (n INTEGER); NONSENSE"});
    loop_.run(
        [&] { migrate(*databases[1], more, [&](base::Result<void> done) { broken.set_value(std::move(done)); }); });
    const auto failed = broken.get_future().get();
    ASSERT_FALSE(failed);
    EXPECT_TRUE(failed.error().message.starts_with("migration 3: ")) << failed.error().message;
    EXPECT_FALSE(ask(*databases[0], "SELECT COUNT(*) FROM half")) << "a migration that fails leaves nothing";
}

TEST_P(Databases, ManyStatementsAtOnceAllAnswer) {
    auto& database = open_one();
    std::atomic<int> answered = 0;
    std::promise<void> all;
    constexpr int count = 500;
    loop_.run([&] {
        for (int at = 0; at < count; ++at) {
            database.run("SELECT CAST($1 AS INTEGER) + 1", {std::to_string(at)}, [&, at](base::Result<Rows> rows) {
                EXPECT_TRUE(rows && rows->number(0, 0) == at + 1);
                if (++answered == count) all.set_value();
            });
        }
    });
    EXPECT_EQ(all.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

TEST_P(Databases, AnErrorAmongManyIsNoOtherStatementsError) {
    auto& database = open_one({.connections_max = 1});
    ASSERT_TRUE(ask(database, "CREATE TABLE t (id INTEGER PRIMARY KEY)"));
    constexpr int count = 60;
    std::vector<int> codes(count, -1);
    testing::await<bool>(loop_, [&](auto finished) {
        auto left = std::make_shared<int>(count);
        for (int at = 0; at < count; ++at) {
            const bool wrong = at % 3 == 1, twice = at % 3 == 2;
            const auto* sql = wrong ? "SELECT nonsense FROM t" : "INSERT INTO t VALUES (CAST($1 AS INTEGER))";
            Parameters parameters;
            if (!wrong) parameters = {std::to_string(twice ? 0 : at)};
            database.run(sql, parameters, [&codes, at, left, finished](base::Result<Rows> rows) mutable {
                codes[static_cast<std::size_t>(at)] = rows ? 0 : static_cast<int>(rows.error().code);
                if (--*left == 0) finished(true);
            });
        }
    });
    for (int at = 0; at < count; ++at) {
        const auto expected = at % 3 == 0   ? 0
                              : at % 3 == 1 ? static_cast<int>(base::Code::internal)
                                            : static_cast<int>(base::Code::already_exists);
        EXPECT_EQ(codes[static_cast<std::size_t>(at)], expected) << at;
    }
    EXPECT_EQ(ask(database, "SELECT COUNT(*) FROM t")->number(0, 0), count / 3);
}

TEST_P(Databases, WhatNobodyWaitsForIsNotBegun) {
    auto& database = open_one();
    ASSERT_TRUE(ask(database, "CREATE TABLE t (id INTEGER)"));
    const Context gone(Trace{}, std::nullopt);
    gone.cancel();
    const Context late(Trace{}, timers_.now() - std::chrono::seconds(1));
    const Context fine(Trace{}, timers_.now() + std::chrono::seconds(9));
    const auto insert = [&](const Context& context) {
        return testing::await<base::Result<Rows>>(
            loop_, [&](auto done) { database.run(context, "INSERT INTO t VALUES (1)", {}, std::move(done)); });
    };
    EXPECT_EQ(insert(gone).error().code, base::Code::timeout);
    EXPECT_EQ(insert(late).error().code, base::Code::timeout);
    EXPECT_TRUE(insert(fine));
    EXPECT_EQ(ask(database, "SELECT COUNT(*) FROM t")->number(0, 0), 1);
}

class Postgres : public testing::DatabaseTest {
 protected:
    /// Asks until the answer is a good one.
    void wait_until_back(Database& database) {
        while (!ask(database, "SELECT 1")) {
        }
    }
};
INSTANTIATE_TEST_SUITE_P(On, Postgres, ::testing::Values("postgres"), [](const auto& info) { return info.param; });

TEST_P(Postgres, AStatementThatTakesTooLongEndsAndItsConnectionGoesOn) {
    auto& database = open_one({.connections_max = 1, .statement_limit = std::chrono::milliseconds(100)});
    EXPECT_EQ(ask(database, "SELECT pg_sleep(20)").error().code, base::Code::timeout);
    const auto pid = ask(database, "SELECT pg_backend_pid()");
    ASSERT_TRUE(pid) << pid.error().message;
    EXPECT_EQ(ask(database, "SELECT pg_sleep(20)").error().code, base::Code::timeout);
    EXPECT_EQ(ask(database, "SELECT pg_backend_pid()")->number(0, 0), pid->number(0, 0));
}

TEST_P(Postgres, ADeadlineOfARequestEndsItsStatement) {
    auto& database = open_one({.connections_max = 2});
    wait_until_back(database);
    const Context soon(Trace{}, timers_.now() + std::chrono::milliseconds(50));
    const auto start = std::chrono::steady_clock::now();
    const auto late = testing::await<base::Result<Rows>>(
        loop_, [&](auto done) { database.run(soon, "SELECT pg_sleep(3)", {}, std::move(done)); });
    EXPECT_EQ(late.error().code, base::Code::timeout);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
    EXPECT_TRUE(ask(database, "SELECT 1"));
}

TEST_P(Postgres, AwayIsSaidAtOnceAndItComesBack) {
    auto& database = open_one();
    wait_until_back(database);
    postgres().stop();
    auto lost = ask(database, "SELECT 1");
    while (lost) lost = ask(database, "SELECT 1");
    EXPECT_EQ(lost.error().code, base::Code::unavailable) << lost.error().message;
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(ask(database, "SELECT 1").error().code, base::Code::unavailable);
    EXPECT_EQ(transact(database, [](Session&, Done done) { done({}); }).error().code, base::Code::unavailable);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
    ASSERT_TRUE(postgres().start());
    wait_until_back(database);
    EXPECT_FALSE(loop_.run([&] { return database.away(); }));
}

TEST_P(Postgres, WhetherALostCommitHoldsIsSaidToBeUnknown) {
    auto& database = open_one();
    ASSERT_TRUE(ask(database, "CREATE TABLE t (id INTEGER)"));
    ASSERT_TRUE(ask(database,
                    "CREATE FUNCTION fall() RETURNS trigger LANGUAGE plpgsql AS "
                    "'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'"));
    ASSERT_TRUE(ask(database,
                    "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED "
                    "FOR EACH ROW EXECUTE FUNCTION fall()"));
    const auto insert = [](Session& session, Done done) {
        session.run("INSERT INTO t VALUES (1)", {}, [done = std::move(done)](base::Result<Rows> rows) mutable {
            done(rows ? base::Result<void>{} : std::unexpected(std::move(rows).error()));
        });
    };
    const auto lost = transact(database, insert);
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().code, base::Code::unavailable) << lost.error().message;
    EXPECT_TRUE(outcome_unknown(lost.error())) << lost.error().message;

    const auto before = transact(database, [](Session& session, Done done) {
        session.run("SELECT pg_terminate_backend(pg_backend_pid())", {},
                    [done = std::move(done)](base::Result<Rows> rows) mutable {
                        done(rows ? base::Result<void>{} : std::unexpected(std::move(rows).error()));
                    });
    });
    ASSERT_FALSE(before);
    EXPECT_FALSE(outcome_unknown(before.error())) << "it was not being committed";
}

TEST_P(Postgres, ATableThatChangesUnderAPreparedStatementIsNoticed) {
    auto& database = open_one({.connections_max = 1});
    ASSERT_TRUE(ask(database, "CREATE TABLE t (id INTEGER)"));
    ASSERT_TRUE(ask(database, "INSERT INTO t VALUES (1)"));
    EXPECT_TRUE(ask(database, "SELECT * FROM t"));
    postgres().ask("ALTER TABLE t ADD COLUMN name TEXT DEFAULT 'x'");
    const auto rows = ask(database, "SELECT * FROM t");
    ASSERT_TRUE(rows) << rows.error().message;
    EXPECT_EQ(rows->text(0, 1), "x");
    postgres().ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'kit'");
    wait_until_back(database);
    EXPECT_TRUE(ask(database, "SELECT * FROM t"));
}

TEST_P(Postgres, TransactionsThatConflictAreTriedAgain) {
    auto& database = open_one();
    ASSERT_TRUE(ask(database, "CREATE TABLE n (id INTEGER PRIMARY KEY, value INTEGER)"));
    ASSERT_TRUE(ask(database, "INSERT INTO n VALUES (1, 0)"));
    int tries = 0;
    const auto add_one = [&](Session& session, Done done) {
        const bool meets = ++tries < 3;  // another transaction comes between reading and writing
        auto finish = std::make_shared<Done>(std::move(done));
        const auto write = [&session, finish](std::int64_t value) {
            session.run("UPDATE n SET value = CAST($1 AS INTEGER) WHERE id = 1", {std::to_string(value)},
                        [finish](base::Result<Rows> written) {
                            (*finish)(written ? base::Result<void>{} : std::unexpected(written.error()));
                        });
        };
        session.script("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", [&, meets, finish, write](base::Result<void>) {
            session.run("SELECT value FROM n WHERE id = 1", {}, [&, meets, finish, write](base::Result<Rows> rows) {
                if (!rows) return (*finish)(std::unexpected(std::move(rows).error()));
                const auto value = rows->number(0, 0) + 1;
                if (!meets) return write(value);
                database.run("UPDATE n SET value = value + 10 WHERE id = 1", {},
                             [write, value](const base::Result<Rows>&) { write(value); });
            });
        });
    };
    const auto result = testing::await<base::Result<void>>(
        loop_, [&](auto done) { transact_again(database, timers_, add_one, 5, std::move(done)); });
    EXPECT_TRUE(result) << result.error().message;
    EXPECT_EQ(tries, 3);
    EXPECT_EQ(ask(database, "SELECT value FROM n")->number(0, 0), 21);
}

TEST(SqliteFile, ManyOpenANewOneAtTheSameMoment) {
    const testing::TemporaryFolder folder;
    for (int file = 0; file < 20; ++file) {
        std::latch together(4);
        std::atomic<int> opened = 0;
        std::vector<std::jthread> starters;
        for (int at = 0; at < 4; ++at) {
            starters.emplace_back([&] {
                boost::asio::io_context io;
                together.arrive_and_wait();
                if (open_sqlite(io, folder.path() + "/" + std::to_string(file) + ".db", {})) ++opened;
            });
        }
        starters.clear();
        EXPECT_EQ(opened, 4);
    }
}

TEST(DatabaseAddress, PasswordsAreNotShown) {
    EXPECT_EQ(without_password("postgres://me:se@cret@host:5432/db?x=y"), "postgres://me:***@host:5432/db?x=y");
    EXPECT_EQ(without_password("postgres://me@host/db"), "postgres://me@host/db");
    EXPECT_EQ(without_password("sqlite:x.db"), "sqlite:x.db");
}

}  // namespace
}  // namespace kit::db
