// For tests that hold for every database: a fixture whose parameter is "sqlite" or "postgres" and whose databases
// answer as plain values. The PostgreSQL is a private one that a suite's tests share, emptied for each.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <future>

#include "kit/db/database.h"
#include "kit/testing/http_fixture.h"
#include "kit/testing/process.h"
#include "run/asio_loop.h"

namespace kit::testing {

/// `work` is given a callback and run on the loop; what the callback is called with is returned.
template <class T, class Work>
T await(LoopThread& loop, Work work) {
    auto answer = std::make_shared<std::promise<T>>();
    loop.run([&] { work([answer](T value) { answer->set_value(std::move(value)); }); });
    auto future = answer->get_future();
    base::check(future.wait_for(std::chrono::seconds(30)) == std::future_status::ready, "an answer comes");
    return future.get();
}

class DatabaseTest : public ::testing::TestWithParam<std::string> {
 protected:
    static void TearDownTestSuite() { shared_postgres().reset(); }
    void SetUp() override {
        url_ = "sqlite:" + folder_.path() + "/test.db";
        if (GetParam() != "postgres") return;
        std::string why;
        if (!shared_postgres()) shared_postgres() = PrivatePostgres::make(why);
        if (!shared_postgres() || !postgres().start()) GTEST_SKIP() << why;
        postgres().ask("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
        url_ = postgres().url();
    }
    void TearDown() override {
        loop_.run([&] { databases_.clear(); });
    }

    /// Only where the parameter is "postgres".
    PrivatePostgres& postgres() { return *shared_postgres(); }

    db::Database& open_one(db::DatabaseOptions options = {}) {
        return *loop_.run([&] {
            auto opened = db::open(loop_.io, log_, url_, options);
            base::check(opened.has_value(), opened ? "" : opened.error().message);
            return databases_.emplace_back(std::move(*opened)).get();
        });
    }
    base::Result<db::Rows> ask(db::Database& database, const std::string& sql, db::Parameters parameters = {}) {
        return await<base::Result<db::Rows>>(
            loop_, [&](auto done) { database.run(sql, std::move(parameters), std::move(done)); });
    }
    base::Result<void> transact(db::Database& database, db::Work work) {
        return await<base::Result<void>>(loop_,
                                         [&](auto done) { database.transact(std::move(work), std::move(done)); });
    }

    TemporaryFolder folder_;
    LoopThread loop_;
    run::AsioLoop timers_{loop_.io};
    Log log_{timers_, STDERR_FILENO, "test", Level::error};
    std::vector<std::unique_ptr<db::Database>> databases_;
    std::string url_;

 private:
    static std::unique_ptr<PrivatePostgres>& shared_postgres() {
        static std::unique_ptr<PrivatePostgres> one;
        return one;
    }
};

}  // namespace kit::testing
