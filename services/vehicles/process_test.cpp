// The service as processes: what it does when it starts beside others, is told to stop under load, or has no database.
#include "kit/testing/process.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <thread>

#include "kit/testing/http_fixture.h"

namespace {

using kit::testing::Client;
using kit::testing::get;
using kit::testing::PrivatePostgres;
using kit::testing::ServiceProcess;
using kit::testing::TemporaryFolder;

int status_of(std::uint16_t port, const std::string& path) {
    Client client(port);
    client.send(get(path, "Connection: close\r\n"));
    return client.read().status;
}

/// Asks until the answer is `status`; false when that takes longer than half a minute.
bool until(std::uint16_t port, const std::string& path, int status) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (status_of(port, path) != status) {
        if (std::chrono::steady_clock::now() > limit) return false;
    }
    return true;
}

bool until_ready(std::uint16_t port) { return until(port, "/ready", 200); }

int count_of(const std::string& text, std::string_view part) {
    int count = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
    return count;
}

/// Asks on one connection until the server says goodbye; every request must get its whole answer.
struct Asker {
    std::atomic<int> answered = 0;
    bool said_goodbye = false;
    std::string trouble;

    void run(std::uint16_t port) {
        Client client(port);
        while (true) {
            client.send(get("/vehicles"));
            const auto answer = client.read();
            if (answer.status != 200) {
                trouble = "status " + std::to_string(answer.status) + " after " + std::to_string(answered.load());
                return;
            }
            ++answered;
            if (answer.has("Connection: close")) {
                said_goodbye = true;
                if (!client.read_to_end().empty()) trouble = "bytes after the goodbye";
                return;
            }
        }
    }
};

TEST(VehiclesProcess, SigtermUnderLoadLosesNoRequestAndEndsWithZero) {
    ServiceProcess service(PROGRAM, {"DATABASE_URL=sqlite::memory:", "DRAIN_GRACE=1s"});
    ASSERT_NE(service.port(), 0);
    ASSERT_TRUE(until_ready(service.port()));
    std::array<Asker, 8> askers;
    std::vector<std::thread> threads;
    for (auto& asker : askers) threads.emplace_back([&] { asker.run(service.port()); });
    Client idle(service.port());  // a kept-alive client that has something to ask only after the signal
    idle.send(get("/version"));
    EXPECT_EQ(idle.read().status, 200);
    for (auto& asker : askers) {
        while (asker.answered < 50 && asker.trouble.empty()) std::this_thread::yield();
    }
    service.terminate();
    for (auto& thread : threads) thread.join();
    for (const auto& asker : askers) {
        EXPECT_EQ(asker.trouble, "");
        EXPECT_TRUE(asker.said_goodbye);
    }
    idle.send(get("/version"));
    const auto last = idle.read();
    EXPECT_EQ(last.status, 200) << "an idle connection gets one more answer";
    EXPECT_TRUE(last.has("Connection: close"));
    EXPECT_EQ(service.wait(), 0);
}

TEST(VehiclesProcess, ThreeStartTogetherOnOneSqliteFileAndMigrateOnce) {
    TemporaryFolder folder;
    const std::vector<std::string> environment{"DATABASE_URL=sqlite:" + folder.path() + "/v.db"};
    std::vector<std::unique_ptr<ServiceProcess>> services(3);
    for (auto& service : services) service = std::make_unique<ServiceProcess>(PROGRAM, environment);
    for (auto& service : services) {
        ASSERT_NE(service->port(), 0);
        ASSERT_TRUE(until_ready(service->port()));
        service->terminate();
        EXPECT_EQ(service->wait(), 0);
        EXPECT_EQ(count_of(service->log(), "migrations are done"), 1) << service->log();
        EXPECT_EQ(count_of(service->log(), "already exists"), 0) << service->log();
    }
}

TEST(VehiclesProcess, ThreeStartTogetherOnPostgresWhichComesLateAndGoesAway) {
    std::string why;
    auto postgres = PrivatePostgres::make(why);
    if (!postgres) GTEST_SKIP() << why;
    std::vector<std::unique_ptr<ServiceProcess>> services;
    for (int at = 0; at < 3; ++at) {
        services.push_back(std::make_unique<ServiceProcess>(
            PROGRAM, std::vector{"DATABASE_URL=" + postgres->url(), std::string("SAMPLE_DATA=true")}));
        ASSERT_NE(services.back()->port(), 0);
        EXPECT_EQ(status_of(services.back()->port(), "/health"), 200);
        EXPECT_EQ(status_of(services.back()->port(), "/ready"), 503);
        EXPECT_EQ(status_of(services.back()->port(), "/vehicles"), 503);
    }
    ASSERT_TRUE(postgres->start());
    for (auto& service : services) ASSERT_TRUE(until_ready(service->port()));
    EXPECT_EQ(postgres->ask("SELECT string_agg(version::text, ',') FROM schema_migrations"), "1,2,3,1000000");
    EXPECT_EQ(postgres->ask("SELECT COUNT(*) FROM vehicles"), "8");
    EXPECT_EQ(status_of(services[0]->port(), "/vehicles"), 200);

    postgres->stop();
    ASSERT_TRUE(until(services[0]->port(), "/ready", 503));
    EXPECT_EQ(status_of(services[0]->port(), "/health"), 200);
    EXPECT_EQ(status_of(services[0]->port(), "/vehicles"), 503);
    ASSERT_TRUE(postgres->start());
    for (auto& service : services) {
        ASSERT_TRUE(until_ready(service->port()));
        EXPECT_EQ(status_of(service->port(), "/vehicles"), 200);
        service->terminate();
        EXPECT_EQ(service->wait(), 0);
    }
}

TEST(VehiclesProcess, SaysWhatIsWrongWithItsSettings) {
    ServiceProcess unknown(PROGRAM, {"DATABASE_URL=mysql://root:secret@db/x"});
    EXPECT_EQ(unknown.port(), 0);
    EXPECT_EQ(unknown.wait(), 1);
    EXPECT_NE(unknown.log().find("must begin with sqlite: or postgres://"), std::string::npos) << unknown.log();
    EXPECT_EQ(unknown.log().find("secret"), std::string::npos) << "a password in the log";
    ServiceProcess folder(PROGRAM, {"DATABASE_URL=sqlite:/nowhere/v.db"});
    EXPECT_EQ(folder.wait(), 1);
    EXPECT_NE(folder.log().find("/nowhere/v.db"), std::string::npos);
}

}  // namespace
