// Databases by their contract, against SQLite and, where there is one, a real PostgreSQL.
#include "kit/db/database.h"

#include <gtest/gtest.h>

#include <atomic>

#include "kit/testing/database_fixture.h"

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

TEST(DatabaseAddress, PasswordsAreNotShown) {
    EXPECT_EQ(without_password("postgres://me:se@cret@host:5432/db?x=y"), "postgres://me:***@host:5432/db?x=y");
    EXPECT_EQ(without_password("postgres://me@host/db"), "postgres://me@host/db");
    EXPECT_EQ(without_password("sqlite:x.db"), "sqlite:x.db");
}

}  // namespace
}  // namespace kit::db
