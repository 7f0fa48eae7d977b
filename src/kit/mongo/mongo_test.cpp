// MongoDB's port against a real server of its protocol, which is killed and started again.
#include "kit/mongo/mongo.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "kit/testing/database_fixture.h"

namespace kit::mongo {
namespace {

class WithMongo : public ::testing::Test {
 protected:
    void SetUp() override {
        std::string why;
        server_ = testing::PrivateMongo::make(why);
        if (!server_) GTEST_SKIP() << why;
        mongo_ = open_one();
    }
    void TearDown() override {
        loop_.run([&] { mongo_.reset(); });
    }
    std::unique_ptr<Mongo> open_one() {
        return loop_.run([&] {
            auto opened = open(timers_, log_, {.uri = server_->url(), .timeout = std::chrono::milliseconds(1500)});
            base::check(opened.has_value(), "it opens");
            return std::move(*opened);
        });
    }
    template <class T, class Ask>
    base::Result<T> ask(Ask work) {
        return testing::await<base::Result<T>>(loop_, [&](auto done) { work(*mongo_, std::move(done)); });
    }
    base::Result<void> insert(const std::string& json) {
        return ask<void>([&](Mongo& mongo, auto done) { mongo.insert("things", json, std::move(done)); });
    }
    base::Result<Documents> find(Find wish) {
        return ask<Documents>([&](Mongo& mongo, auto done) { mongo.find("things", wish, std::move(done)); });
    }
    base::Result<std::int64_t> count(const std::string& filter) {
        return ask<std::int64_t>([&](Mongo& mongo, auto done) { mongo.count("things", filter, std::move(done)); });
    }

    testing::LoopThread loop_;
    run::AsioLoop timers_{loop_.io};
    Log log_{timers_, STDERR_FILENO, "test", Level::error};
    std::unique_ptr<testing::PrivateMongo> server_;
    std::unique_ptr<Mongo> mongo_;
};

TEST_F(WithMongo, DocumentsAreKeptFoundChangedAndRemoved) {
    for (int at = 0; at < 5; ++at) {
        const auto number = std::to_string(at);
        const auto added =
            insert(R"({"_id":"d)" + number + R"(","n":)" + number + R"(,"deep":{"list":[1,"two",null]}})");
        ASSERT_TRUE(added) << added.error().message;
    }
    EXPECT_EQ(insert(R"({"_id":"d1"})").error().code, base::Code::already_exists);
    EXPECT_EQ(insert("{").error().code, base::Code::invalid);
    EXPECT_EQ(*count(R"({"n":{"$gte":2}})"), 3);
    const auto found = find({.filter = R"({"n":{"$gte":1}})", .sort = R"({"n":-1})", .skip = 1, .limit = 2});
    ASSERT_TRUE(found) << found.error().message;
    ASSERT_EQ(found->size(), 2U);
    EXPECT_EQ(boost::json::parse((*found)[0]),
              boost::json::parse(R"({"_id":"d3","n":3,"deep":{"list":[1,"two",null]}})"));
    const auto changed = ask<std::int64_t>([](Mongo& mongo, auto done) {
        mongo.update_one("things", R"({"_id":"d1"})", R"({"$set":{"n":100}})", std::move(done));
    });
    EXPECT_EQ(*changed, 1);
    EXPECT_EQ(*count(R"({"n":100})"), 1);
    const auto removed = [&] {
        return ask<std::int64_t>(
            [](Mongo& mongo, auto done) { mongo.remove_one("things", R"({"_id":"d1"})", std::move(done)); });
    };
    EXPECT_EQ(*removed(), 1);
    EXPECT_EQ(*removed(), 0);
    for (int at = 0; at < 2; ++at) {
        const auto index = ask<void>(
            [](Mongo& mongo, auto done) { mongo.ensure_index("things", R"({"n":1,"_id":1})", std::move(done)); });
        EXPECT_TRUE(index) << index.error().message;
    }
    EXPECT_FALSE(loop_.run([&] { return mongo_->away(); }));
}

TEST_F(WithMongo, AServerThatDiesIsSaidAndComesBackWithoutARestart) {
    ASSERT_TRUE(insert(R"({"_id":"a"})"));
    server_->stop();
    const auto lost = count("{}");
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().code, base::Code::unavailable) << lost.error().message;
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(count("{}").error().code, base::Code::unavailable);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(300)) << "at once";
    EXPECT_TRUE(loop_.run([&] { return mongo_->away(); }));
    ASSERT_TRUE(server_->start());
    auto back = count("{}");
    while (!back) back = count("{}");
    EXPECT_EQ(*back, 1);
}

TEST(MongoAddress, WhatIsNoneIsRefused) {
    testing::LoopThread loop;
    run::AsioLoop timers(loop.io);
    Log log(timers, STDERR_FILENO, "test", Level::error);
    const auto opened = open(timers, log, {.uri = "http://secret@x"});
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().message.find("secret"), std::string::npos);
}

}  // namespace
}  // namespace kit::mongo
