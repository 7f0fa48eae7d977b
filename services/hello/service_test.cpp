// The service as a process: embedded, and with a real PostgreSQL and Redis that go away and come back.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <chrono>

#include "kit/testing/http_fixture.h"
#include "kit/testing/process.h"

namespace {

using namespace kit::testing;

Answer ask(std::uint16_t port, const std::string& method, const std::string& path, const std::string& body = "",
           const std::string& extra = "") {
    Client client(port);
    client.send(method + " " + path + " HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n" + extra + "Connection: close\r\n\r\n" + body);
    return client.read();
}

bool until(std::uint16_t port, const std::string& path, int status) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (ask(port, "GET", path).status != status) {
        if (std::chrono::steady_clock::now() > limit) return false;
    }
    return true;
}

void expect_the_shapes(std::uint16_t port) {
    ASSERT_TRUE(until(port, "/ready", 200));
    EXPECT_EQ(ask(port, "GET", "/api/visitors").body, R"({"visitors":1})");
    EXPECT_EQ(ask(port, "GET", "/api/visitors").body, R"({"visitors":2})");
    EXPECT_EQ(ask(port, "GET", "/api/data").body, R"({"data":[]})");
    const auto added = ask(port, "POST", "/api/data", R"({"key":"b","value":"it's 1"})");
    EXPECT_EQ(added.status, 201);
    EXPECT_EQ(added.body, R"({"status":"success","data":{"key":"b","value":"it's 1"}})");
    EXPECT_EQ(ask(port, "POST", "/api/data", R"({"key":"b","value":"2"})").status, 201);
    EXPECT_EQ(ask(port, "POST", "/api/data", R"({"key":"a","value":3})").status, 201);
    EXPECT_EQ(ask(port, "POST", "/api/data", R"({"key":"B","value":" "})").status, 201);
    EXPECT_EQ(ask(port, "GET", "/api/data").body,
              R"({"data":[{"key":"B","value":" "},{"key":"a","value":"3"},{"key":"b","value":"2"}]})");
    EXPECT_EQ(ask(port, "GET", "/api/data?limit=1&after=B").body, R"({"data":[{"key":"a","value":"3"}],"next":"a"})");
}

TEST(Hello, EmbeddedItNeedsNothing) {
    TemporaryFolder folder;
    ServiceProcess service(PROGRAM, {"DATABASE_URL=sqlite:" + folder.path() + "/hello.db", "APP_VERSION=1.2.3"});
    const auto port = service.port();
    expect_the_shapes(port);
    const auto greeting = boost::json::parse(ask(port, "GET", "/").body).as_object();
    EXPECT_EQ(greeting.at("version").as_string(), "1.2.3");
    EXPECT_FALSE(greeting.at("hostname").as_string().empty());
    const auto page = ask(port, "GET", "/", "", "Accept: text/html\r\n");
    EXPECT_TRUE(page.has("Content-Security-Policy: "));
    EXPECT_NE(page.body.find("<h1>Hello"), std::string::npos);
    service.terminate();
    EXPECT_EQ(service.wait(), 0);
}

TEST(Hello, WhatIsWrongIsSaidByField) {
    TemporaryFolder folder;
    ServiceProcess service(PROGRAM, {"DATABASE_URL=sqlite:" + folder.path() + "/hello.db"});
    const auto port = service.port();
    ASSERT_TRUE(until(port, "/ready", 200));
    EXPECT_EQ(ask(port, "POST", "/api/data", "{").status, 400);
    for (const auto* body : {R"({"value":"1"})", R"({"key":"","value":"1"})", R"({"key":7,"value":"1"})"}) {
        const auto refused = ask(port, "POST", "/api/data", body);
        EXPECT_EQ(refused.status, 422) << body;
        const auto problem = boost::json::parse(refused.body).as_object();
        EXPECT_NE(std::string(problem.at("error").as_string()).find("key"), std::string::npos) << refused.body;
        EXPECT_EQ(problem.at("errors").at(0).at("field").as_string(), "key");
    }
    EXPECT_EQ(ask(port, "GET", "/api/data?limit=0").status, 422);
    EXPECT_EQ(ask(port, "POST", "/api/data", "{\"key\":\"a\\u0000\",\"value\":\"\"}").status, 422);
}

TEST(Hello, StoresThatAreAwayAreSaidAndComeBackWithoutARestart) {
    std::string why;
    const auto postgres = PrivatePostgres::make(why);
    if (!postgres || !postgres->start()) GTEST_SKIP() << why;
    const auto redis = PrivateRedis::make(why);
    if (!redis) GTEST_SKIP() << why;
    ServiceProcess service(PROGRAM, {"DATABASE_URL=" + postgres->url(), "REDIS_HOST=127.0.0.1",
                                     "REDIS_PORT=tcp://127.0.0.1:" + std::to_string(redis->port())});
    const auto port = service.port();
    expect_the_shapes(port);

    redis->stop();
    ASSERT_TRUE(until(port, "/api/visitors", 503));
    EXPECT_NE(ask(port, "GET", "/api/visitors").body.find("{\"error\":\""), std::string::npos);
    EXPECT_EQ(ask(port, "GET", "/ready").status, 503);
    EXPECT_EQ(ask(port, "GET", "/health").status, 200);
    EXPECT_EQ(ask(port, "GET", "/api/data").status, 200);
    ASSERT_TRUE(redis->start());
    ASSERT_TRUE(until(port, "/ready", 200));
    EXPECT_EQ(ask(port, "GET", "/api/visitors").status, 200);

    postgres->stop();
    ASSERT_TRUE(until(port, "/api/data", 503));
    EXPECT_NE(ask(port, "GET", "/api/data").body.find("{\"error\":\""), std::string::npos);
    EXPECT_EQ(ask(port, "GET", "/api/visitors").status, 200);
    ASSERT_TRUE(postgres->start());
    ASSERT_TRUE(until(port, "/api/data", 200));
}

}  // namespace
