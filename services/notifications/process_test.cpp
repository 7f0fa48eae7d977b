// The service as processes: with a real mail server, a real Redis, SQLite and PostgreSQL, killed in between.
#include "kit/testing/process.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <boost/json.hpp>
#include <chrono>
#include <map>
#include <set>
#include <thread>

#include "kit/auth/secrets.h"
#include "kit/testing/http_fixture.h"
#include "notifications/testing/smtp_sink.h"

namespace notifications {
namespace {

namespace json = boost::json;
using kit::testing::Client;
using kit::testing::PrivatePostgres;
using kit::testing::PrivateRedis;
using kit::testing::ServiceProcess;
using kit::testing::TemporaryFolder;

const std::string word = "the services of this test know this word";

kit::testing::Answer ask(std::uint16_t port, const std::string& method, const std::string& path,
                         const std::string& body = {}) {
    Client client(port);
    client.send(method + " " + path + " HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer " + word +
                "\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n\r\n" + body);
    return client.read(method);
}

template <class Condition>
bool until(Condition holds, std::chrono::seconds limit = std::chrono::seconds(60)) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::yield();
    }
    return true;
}

std::string event(const std::string& id, const std::string& email, const std::string& type = "order.confirmed") {
    return R"({"id":")" + id + R"(","type":")" + type + R"(","time":"2026-01-01T00:00:00.000Z","source":"orders",)" +
           R"("subject":"order/1","user_id":"u1","email":")" + email +
           R"(","data":{"order_id":"o1","vehicle":"Größe <b>","amount":19990.00,"currency":"EUR"}})";
}

/// A lease long enough that a mail server on a busy machine answers within half of it: a mail that times out is sent
/// again.
std::vector<std::string> environment(const std::string& database, const std::string& smtp) {
    return {"DATABASE_URL=" + database,       "SERVICE_TOKEN=" + word, "SMTP_URL=" + smtp,
            "MAIL_FROM=Shop <s@example.com>", "TRY_AGAIN=100ms",       "LEASE=10s"};
}

bool ready(ServiceProcess& service) {
    return service.port() != 0 && until([&] { return ask(service.port(), "GET", "/ready").status == 200; });
}

std::int64_t dead_letters(std::uint16_t port) {
    return json::parse(ask(port, "GET", "/dead-letters").body).at("total").as_int64();
}

std::string state_of(std::uint16_t port, const std::string& id) {
    const auto items = json::parse(ask(port, "GET", "/deliveries?event_id=" + id).body).at("items").as_array();
    return items.empty() ? "none" : std::string(items[0].at("state").as_string());
}

void tells_each_event_once(const std::string& database) {
    testing::SmtpSink sink(2);
    ASSERT_NE(sink.port(), 0);
    ServiceProcess service(PROGRAM, environment(database, sink.url()));
    ASSERT_TRUE(ready(service));
    const auto id = kit::auth::random_uuid(), refused = kit::auth::random_uuid();
    for (int times = 0; times < 3; ++times) {
        EXPECT_EQ(ask(service.port(), "POST", "/events", event(id, "a@example.com")).status, 202);
    }
    EXPECT_EQ(ask(service.port(), "POST", "/events", event(refused, "nobody@example.com")).status, 202);
    EXPECT_EQ(ask(service.port(), "POST", "/events", R"({"type":"x"})").status, 422);
    EXPECT_EQ(ask(service.port(), "POST", "/events", "{").status, 400);
    ASSERT_TRUE(until([&] { return state_of(service.port(), id) == "sent"; }));
    ASSERT_TRUE(until([&] { return state_of(service.port(), refused) == "dead"; }));
    EXPECT_EQ(dead_letters(service.port()), 1);
    EXPECT_EQ(ask(service.port(), "POST", "/dead-letters/" + refused + ":email/replay").status, 202);
    ASSERT_TRUE(until([&] { return dead_letters(service.port()) == 1; })) << "refused again";
    EXPECT_EQ(ask(service.port(), "POST", "/dead-letters/none/replay").status, 404);
    service.terminate();
    EXPECT_EQ(service.wait(), 0);
    const auto mails = sink.mails();
    ASSERT_EQ(mails.size(), 1U);
    EXPECT_EQ(mails[0].at("id").as_string(), "<" + id + ".email@example.com>");
    EXPECT_EQ(mails[0].at("subject").as_string(), "It is yours: Größe <b>");
    EXPECT_EQ(mails[0].at("defects").as_int64(), 0);
    EXPECT_NE(std::string(mails[0].at("text").as_string()).find("19,990.00 EUR"), std::string::npos);
    EXPECT_NE(std::string(mails[0].at("html").as_string()).find("Größe &lt;b&gt;"), std::string::npos);
}

TEST(NotificationsProcess, TellsEachEventOnceOnSqlite) {
    TemporaryFolder folder;
    tells_each_event_once("sqlite:" + folder.path() + "/n.db");
}

TEST(NotificationsProcess, TellsEachEventOnceOnPostgres) {
    std::string why;
    const auto postgres = PrivatePostgres::make(why);
    if (!postgres) GTEST_SKIP() << why;
    ASSERT_TRUE(postgres->start());
    tells_each_event_once(postgres->url());
}

TEST(NotificationsProcess, TwoReplicasOnAStreamLoseNothingWhenTheyAreKilled) {
    std::string why;
    const auto redis = PrivateRedis::make(why);
    if (!redis) GTEST_SKIP() << why;
    ASSERT_TRUE(redis->start());
    TemporaryFolder folder;
    testing::SmtpSink sink(0);
    ASSERT_NE(sink.port(), 0);
    auto with = environment("sqlite:" + folder.path() + "/n.db", sink.url());
    with.push_back("REDIS_URL=" + redis->url());
    // Events come in by the stream, as services append them.
    Client raw(redis->port());
    std::set<std::string> ids;
    const auto append = [&](int count) {
        for (int at = 0; at < count; ++at) {
            const auto id = kit::auth::random_uuid();
            const auto body = event(id, "a@example.com");
            for (int twice = 0; twice < 2; ++twice) {  // senders repeat what they are not sure of
                raw.send("*5\r\n$4\r\nXADD\r\n$6\r\nevents\r\n$1\r\n*\r\n$5\r\nevent\r\n$" +
                         std::to_string(body.size()) + "\r\n" + body + "\r\n");
            }
            ids.insert(id);
        }
    };
    auto dying = with;
    dying.push_back("SLIPWAY_CRASH_AT=notifications.before_send:7");
    auto also_dying = with;
    also_dying.push_back("SLIPWAY_CRASH_AT=notifications.after_send:5");
    {
        ServiceProcess first(PROGRAM, dying), second(PROGRAM, also_dying);
        ASSERT_TRUE(ready(first));
        ASSERT_TRUE(ready(second));
        append(60);
        EXPECT_EQ(first.wait(), 128 + SIGKILL);
        EXPECT_EQ(second.wait(), 128 + SIGKILL);
    }
    ServiceProcess third(PROGRAM, with);
    ASSERT_TRUE(ready(third));
    for (const auto& id : ids) {
        ASSERT_TRUE(until([&] { return state_of(third.port(), id) == "sent"; }, std::chrono::seconds(90))) << id;
    }
    std::map<std::string, int> told;
    for (const auto& mail : sink.mails()) ++told[std::string(mail.at("id").as_string())];
    EXPECT_EQ(told.size(), ids.size()) << "every event was told, under one Message-ID";
    int repeats = 0;
    for (const auto& [id, times] : told) repeats += times - 1;
    EXPECT_LE(repeats, 16) << "only what was between the server's word and the database when the second died";
}

TEST(NotificationsProcess, HoldsWhatADeadSenderLeftWhenToldTo) {
    TemporaryFolder folder;
    testing::SmtpSink sink(0);
    ASSERT_NE(sink.port(), 0);
    auto with = environment("sqlite:" + folder.path() + "/n.db", sink.url());
    with.push_back("WHEN_UNSURE=hold");
    const auto id = kit::auth::random_uuid();
    auto dying = with;
    dying.push_back("SLIPWAY_CRASH_AT=notifications.after_send:1");
    {
        ServiceProcess service(PROGRAM, dying);
        ASSERT_TRUE(ready(service));
        ask(service.port(), "POST", "/events", event(id, "a@example.com"));
        EXPECT_EQ(service.wait(), 128 + SIGKILL);
    }
    ServiceProcess service(PROGRAM, with);
    ASSERT_TRUE(ready(service));
    ASSERT_TRUE(until([&] { return state_of(service.port(), id) == "dead"; }));
    EXPECT_EQ(sink.mails().size(), 1U) << "never twice";
}

TEST(NotificationsProcess, AStopWaitsForWhatIsUnderWay) {
    TemporaryFolder folder;
    testing::SmtpSink sink(0, 1);
    ASSERT_NE(sink.port(), 0);
    auto with = environment("sqlite:" + folder.path() + "/n.db", sink.url());
    with.back() = "LEASE=30s";  // the mail server may take half of it
    const auto id = kit::auth::random_uuid();
    {
        ServiceProcess service(PROGRAM, with);
        ASSERT_TRUE(ready(service));
        ask(service.port(), "POST", "/events", event(id, "a@example.com"));
        ASSERT_TRUE(until([&] { return state_of(service.port(), id) == "sending"; }));
        service.terminate();
        EXPECT_EQ(service.wait(), 0);
    }
    EXPECT_EQ(sink.mails().size(), 1U);
    ServiceProcess service(PROGRAM, with);
    ASSERT_TRUE(ready(service));
    EXPECT_EQ(state_of(service.port(), id), "sent");
}

TEST(NotificationsProcess, OldClientsNotifyOnEmbeddedDatabases) {
    TemporaryFolder folder;
    ServiceProcess service(PROGRAM, {"DATABASE_URL=sqlite:" + folder.path() + "/n.db"});
    ASSERT_TRUE(ready(service));
    const auto answer = ask(service.port(), "POST", "/notify", R"({"to":"bob","message":"hi"})");
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(json::parse(answer.body).at("status").as_string(), "sent");
    EXPECT_EQ(ask(service.port(), "POST", "/notify", R"({"user":7,"message":"hi"})").status, 200);
    EXPECT_EQ(ask(service.port(), "POST", "/notify", R"({"message":"hi"})").status, 422);
    EXPECT_EQ(ask(service.port(), "GET", "/notifications").status, 401);
}

}  // namespace
}  // namespace notifications
