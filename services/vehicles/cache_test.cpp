// Three replicas with a cache between them: after a change was answered, nobody sees the old state; without Redis all
// works; and what changed is told on the stream of events.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "kit/testing/http_fixture.h"
#include "kit/testing/process.h"

namespace {

using kit::testing::Client;
using kit::testing::PrivatePostgres;
using kit::testing::PrivateRedis;
using kit::testing::ServiceProcess;

kit::testing::Answer ask(Client& client, const std::string& method, const std::string& path,
                         const std::string& body = {}) {
    client.send(method + " " + path + " HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n\r\n" + body);
    return client.read(method);
}

std::string vehicle(int price) {
    return R"({"name":"one","brand":"b","model":"m","year":2020,"price":)" + std::to_string(price) + "}";
}

std::int64_t price_in(const std::string& body) {
    const auto at = body.find("\"price\":");
    return at == std::string::npos ? -1 : std::stoll(body.substr(at + 8));
}

class VehiclesCache : public ::testing::Test {
 protected:
    void SetUp() override {
        std::string why;
        postgres_ = PrivatePostgres::make(why);
        redis_ = PrivateRedis::make(why);
        if (!postgres_ || !redis_) GTEST_SKIP() << why;
        ASSERT_TRUE(postgres_->start() && redis_->start());
        for (auto& replica : replicas_) {
            replica = std::make_unique<ServiceProcess>(
                PROGRAM, std::vector{"DATABASE_URL=" + postgres_->url(), "REDIS_URL=" + redis_->url()});
        }
        for (auto& replica : replicas_) {
            ASSERT_NE(replica->port(), 0);
            Client client(replica->port());
            do client.send(kit::testing::get("/ready"));
            while (client.read().status != 200);
        }
    }
    std::unique_ptr<PrivatePostgres> postgres_;
    std::unique_ptr<PrivateRedis> redis_;
    std::unique_ptr<ServiceProcess> replicas_[3];
};

TEST_F(VehiclesCache, NobodySeesAnOldStateAfterAChangeWasAnswered) {
    Client writer(replicas_[0]->port());
    ASSERT_EQ(ask(writer, "POST", "/vehicles", vehicle(0)).status, 201);
    std::atomic<std::int64_t> answered = 0;
    std::atomic<bool> over = false;
    std::atomic<int> reads = 0, old = 0;
    std::vector<std::thread> readers;
    for (int number = 0; number < 4; ++number) {
        readers.emplace_back([&, number] {
            Client client(replicas_[number % 3]->port());
            while (!over) {
                const auto least = answered.load();
                const auto shown = ask(client, "GET", number == 3 ? "/vehicles" : "/vehicles/1");
                if (price_in(shown.body) < least) ++old;
                ++reads;
            }
        });
    }
    for (int price = 1; price <= 150; ++price) {
        Client other(replicas_[price % 3]->port());
        EXPECT_EQ(ask(other, "PUT", "/vehicles/1", vehicle(price)).status, 200);
        answered = price;
    }
    while (reads < 400) std::this_thread::yield();
    over = true;
    for (auto& reader : readers) reader.join();
    EXPECT_EQ(old, 0) << "of " << reads;
}

TEST_F(VehiclesCache, WithoutRedisAllWorksAndChangesAreToldWhenItComesBack) {
    Client client(replicas_[0]->port());
    ASSERT_EQ(ask(client, "POST", "/vehicles", vehicle(1)).status, 201);
    EXPECT_EQ(price_in(ask(client, "GET", "/vehicles/1").body), 1);
    redis_->stop();
    EXPECT_EQ(ask(client, "PUT", "/vehicles/1", vehicle(2)).status, 200);
    for (auto& replica : replicas_) {
        Client reader(replica->port());
        EXPECT_EQ(price_in(ask(reader, "GET", "/vehicles/1").body), 2);
        EXPECT_EQ(ask(reader, "GET", "/ready").status, 200);
    }
    ASSERT_TRUE(redis_->start());
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (postgres_->ask("SELECT COUNT(*) FROM outbox WHERE delivered_ms IS NULL") != "0") {
        ASSERT_LT(std::chrono::steady_clock::now(), limit);
    }
    Client raw(redis_->port());
    raw.send("*4\r\n$6\r\nXRANGE\r\n$6\r\nevents\r\n$1\r\n-\r\n$1\r\n+\r\n");
    EXPECT_TRUE(raw.read_until("vehicle.changed"));
}

}  // namespace
