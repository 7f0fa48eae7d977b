// The service as a process over each of its stores: SQLite, and a server that speaks MongoDB's protocol.
#include "documents/service.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <chrono>

#include "kit/auth/signing.h"
#include "kit/testing/app_fixture.h"
#include "kit/testing/process.h"

namespace {

using namespace kit::testing;

class Documents : public AppFixture, public ::testing::WithParamInterface<std::string> {
 protected:
    void SetUp() override {
        serve([this](kit::App& app) {  // the auth service's keys
            app.routes().get("/jwks.json").calls([this](kit::Call call) {
                call.answer(kit::json_response(200, kit::auth::jwks_text({key_.shown()})));
            });
        });
        std::vector<std::string> environment{"JWKS_URL=http://127.0.0.1:" + std::to_string(port()) + "/jwks.json"};
        if (GetParam() == "mongodb") {
            std::string why;
            mongo_ = PrivateMongo::make(why);
            if (!mongo_) GTEST_SKIP() << why;
            environment.push_back("MONGO_HOST=127.0.0.1");
            environment.push_back("MONGO_PORT=" + std::to_string(mongo_->port()));
            environment.push_back("MONGO_DATABASE=papers");
        } else {
            environment.push_back("DATABASE_URL=sqlite:" + folder_.path() + "/documents.db");
        }
        service_ = std::make_unique<ServiceProcess>(PROGRAM, environment);
        ASSERT_NE(service_->port(), 0);
        ASSERT_TRUE(until(200));
    }
    Answer as(const std::string& user, const std::string& method, const std::string& path,
              const std::string& body = "") {
        const auto now = std::chrono::system_clock::now();
        const kit::auth::Claims claims{.user = user,
                                       .email = user + "@example.com",
                                       .name = user,
                                       .roles = {kit::auth::Role::buyer},
                                       .issued = now,
                                       .expires = now + std::chrono::minutes(5),
                                       .token_id = "t"};
        const auto login = user.empty() ? "" : "Authorization: Bearer " + kit::auth::sign_token(key_, claims) + "\r\n";
        Client client(service_->port());
        client.send(method + " " + path + " HTTP/1.1\r\nHost: test\r\n" + login +
                    "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
                    "\r\nConnection: close\r\n\r\n" + body);
        return client.read();
    }
    bool until(int ready) {
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (as("", "GET", "/ready").status != ready) {
            if (std::chrono::steady_clock::now() > limit) return false;
        }
        return true;
    }
    static boost::json::value parsed(const Answer& answer) { return boost::json::parse(answer.body); }

    kit::auth::SigningKey key_ = kit::auth::SigningKey::make();
    TemporaryFolder folder_;
    std::unique_ptr<PrivateMongo> mongo_;
    std::unique_ptr<ServiceProcess> service_;
};

INSTANTIATE_TEST_SUITE_P(On, Documents, ::testing::Values("sqlite", "mongodb"),
                         [](const auto& info) { return info.param; });

TEST_P(Documents, AreKeptForWhoIsLoggedIn) {
    const auto greeting = parsed(as("", "GET", "/"));
    EXPECT_TRUE(base::parse_rfc3339(std::string(greeting.at("timestamp").as_string())));
    EXPECT_FALSE(greeting.at("message").as_string().empty());
    EXPECT_EQ(as("", "POST", "/data", "{}").status, 401);
    EXPECT_EQ(as("", "GET", "/data").status, 401);

    const auto* body = R"({"name":"ü\"x","list":[1,-2.5,null,true,{"deep":{}}],"big":9007199254740993,"empty":[]})";
    const auto added = as("a", "POST", "/data", body);
    ASSERT_EQ(added.status, 201) << added.body;
    EXPECT_EQ(parsed(added).at("data"), boost::json::parse(body));
    const auto path = "/data/" + std::string(parsed(added).at("id").as_string());
    EXPECT_TRUE(added.has("Location: " + path));
    const auto shown = as("a", "GET", path);
    EXPECT_EQ(parsed(shown), parsed(added));
    EXPECT_EQ(as("b", "GET", path).status, 404) << "another's";
    EXPECT_EQ(as("b", "DELETE", path).status, 404);
    EXPECT_EQ(parsed(as("b", "GET", "/data")), boost::json::parse(R"({"data":[]})"));
    EXPECT_EQ(as("a", "GET", "/data/nonsense").status, 404);
    EXPECT_EQ(as("a", "DELETE", path).status, 204);
    EXPECT_EQ(as("a", "DELETE", path).status, 404);
    EXPECT_EQ(as("a", "GET", path).status, 404);
}

TEST_P(Documents, ComeInPagesNewestFirst) {
    for (int at = 0; at < 7; ++at) {
        ASSERT_EQ(as("a", "POST", "/data", "{\"n\":" + std::to_string(at) + "}").status, 201);
    }
    ASSERT_EQ(as("b", "POST", "/data", "{}").status, 201);
    std::vector<std::int64_t> numbers;
    std::string next;
    int pages = 0;
    do {
        const auto page = parsed(as("a", "GET", "/data?limit=3" + (next.empty() ? "" : "&before=" + next)));
        for (const auto& one : page.at("data").as_array()) numbers.push_back(one.at("data").at("n").as_int64());
        next = page.as_object().contains("next") ? std::string(page.at("next").as_string()) : "";
        ++pages;
    } while (!next.empty());
    EXPECT_EQ(numbers, (std::vector<std::int64_t>{6, 5, 4, 3, 2, 1, 0}));
    EXPECT_EQ(pages, 3);
    EXPECT_EQ(as("a", "GET", "/data?limit=101").status, 422);
    EXPECT_EQ(as("a", "GET", "/data?before=x").status, 422);
}

TEST_P(Documents, WhatCannotBeKeptIsRefusedByName) {
    EXPECT_EQ(as("a", "POST", "/data", "{").status, 400);
    EXPECT_EQ(as("a", "POST", "/data", "[1]").status, 400);
    EXPECT_EQ(as("a", "POST", "/data", "{\"x\":\"" + std::string(70'000, 'x') + "\"}").status, 413);
    std::string deep = "{\"a\":";
    for (int at = 0; at < 20; ++at) deep += "[";
    EXPECT_EQ(as("a", "POST", "/data", deep + std::string(20, ']') + "}").status, 422);
    for (const auto* body :
         {R"({"ok":{"$where":"1"}})", R"({"ok":{"a.b":1}})", R"({"ok":{"":1}})", R"({"ok":{"n":1e999}})",
          R"({"ok":{"n":18446744073709551615}})", R"({"ok":{"a\u0000":1}})"}) {
        const auto refused = as("a", "POST", "/data", body);
        EXPECT_TRUE(refused.status == 422 || refused.status == 400) << body << refused.body;
        if (refused.status == 422) {
            EXPECT_NE(refused.body.find("ok."), std::string::npos) << refused.body;
        }
    }
    EXPECT_EQ(parsed(as("a", "GET", "/data")), boost::json::parse(R"({"data":[]})"));
}

TEST_P(Documents, AStoreThatIsAwayIsSaidAndComesBack) {
    if (!mongo_) GTEST_SKIP() << "SQLite is never away";
    ASSERT_EQ(as("a", "POST", "/data", "{\"n\":1}").status, 201);
    mongo_->stop();
    EXPECT_EQ(as("a", "GET", "/data").status, 503);
    EXPECT_EQ(as("a", "POST", "/data", "{}").status, 503);
    EXPECT_EQ(as("", "GET", "/health").status, 200);
    EXPECT_TRUE(until(503));
    ASSERT_TRUE(mongo_->start());
    ASSERT_TRUE(until(200));
    EXPECT_EQ(parsed(as("a", "GET", "/data")).at("data").as_array().size(), 1U);
}

TEST(DocumentsAddress, IsMadeOfParts) {
    documents::Settings settings;
    EXPECT_EQ(documents::mongo_address(settings), "");
    ASSERT_TRUE(settings.mongo_port.set("tcp://10.0.0.7:27018"));
    EXPECT_EQ(documents::mongo_address(settings), "mongodb://10.0.0.7:27018");
    ASSERT_TRUE(settings.mongo_host.set("db") && settings.mongo_user.set("me") && settings.mongo_password.set("p@/:"));
    EXPECT_EQ(documents::mongo_address(settings), "mongodb://me:p%40%2F%3A@db:27018");
    ASSERT_TRUE(settings.mongo.set("mongodb://x"));
    EXPECT_EQ(documents::mongo_address(settings), "mongodb://x");
}

}  // namespace
