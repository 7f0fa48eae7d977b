// The rules of stock as pure decisions, and orders that come at the same time to several replicas.
#include "vehicles/stock.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "kit/testing/http_fixture.h"
#include "kit/testing/process.h"

namespace vehicles {
namespace {

using kit::testing::Client;
using kit::testing::ServiceProcess;
using Act = Decision::Act;

constexpr auto one = "11111111-1111-4111-8111-111111111111";
constexpr auto other = "22222222-2222-4222-8222-222222222222";
constexpr auto before = "2026-01-01T09:00:00.000000Z";
constexpr auto now = "2026-01-01T10:00:00.000000Z";
constexpr auto later = "2026-01-01T11:00:00.000000Z";
constexpr auto last = "2026-01-01T12:00:00.000000Z";

Vehicle reserved(std::string order, std::string until) {
    return {.id = 1, .stock = Stock::reserved, .order_id = std::move(order), .reserved_until = std::move(until)};
}
Vehicle sold(std::string order) { return {.id = 1, .stock = Stock::sold, .order_id = std::move(order)}; }

TEST(Stock, AReservationIsOneOrdersAndRepeatable) {
    const auto first = reserve({.id = 1}, one, later, now);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->act, Act::update);
    EXPECT_EQ(first->vehicle.stock, Stock::reserved);
    EXPECT_EQ(first->vehicle.revision, 2);
    EXPECT_EQ(reserve(first->vehicle, one, later, now)->act, Act::keep) << "the same again";
    EXPECT_EQ(reserve(first->vehicle, one, last, now)->vehicle.reserved_until, last) << "longer";
    EXPECT_EQ(reserve(first->vehicle, other, later, now).error().code, base::Code::conflict);
    EXPECT_EQ(reserve(sold(other), one, later, now).error().code, base::Code::conflict);
    EXPECT_EQ(reserve(sold(one), one, before, now)->act, Act::keep) << "bought by it already";
    EXPECT_EQ(reserve({.id = 1}, one, before, now).error().code, base::Code::conflict) << "over before it begins";
}

TEST(Stock, SalesGoToTheOrderThatHoldsTheVehicle) {
    EXPECT_EQ(sell(reserved(one, later), one, now)->vehicle.stock, Stock::sold);
    EXPECT_EQ(sell(reserved(one, later), other, now).error().code, base::Code::conflict);
    EXPECT_EQ(sell({.id = 1}, one, now).error().code, base::Code::conflict);
    EXPECT_EQ(sell(sold(one), one, now)->act, Act::keep);
    EXPECT_EQ(sell(sold(one), other, now).error().code, base::Code::conflict);
    EXPECT_EQ(take_back(sold(one), one, now)->vehicle.stock, Stock::available);
    EXPECT_EQ(take_back(sold(one), other, now)->act, Act::keep);
    EXPECT_EQ(take_back({.id = 1}, one, now)->act, Act::keep);
    EXPECT_EQ(release(reserved(one, later), one, now)->vehicle.stock, Stock::available);
    EXPECT_EQ(release(reserved(one, later), other, now)->act, Act::keep);
    EXPECT_EQ(release(sold(one), one, now).error().code, base::Code::conflict);
}

TEST(Stock, AReservationLapsesAtItsTimeAndLooksAsTheSweepWillLeaveIt) {
    EXPECT_EQ(settled(reserved(one, later), now).stock, Stock::reserved);
    const auto lapsed = settled(reserved(one, now), now);
    EXPECT_EQ(lapsed.stock, Stock::available);
    EXPECT_EQ(lapsed.updated_at, now);
    EXPECT_EQ(lapsed.order_id, "");
    EXPECT_EQ(lapsed.revision, 2);
    EXPECT_EQ(settled(sold(one), now).stock, Stock::sold);
}

TEST(Stock, DealersChangeTheirOwnAndNobodyRepricesWhatIsHeld) {
    const Actor dealer{.kind = Actor::Kind::dealer, .id = "d", .name = "Dee", .traceparent = {}};
    const Actor admin{.kind = Actor::Kind::admin, .id = "a", .name = "Ada", .traceparent = {}};
    const Vehicle own{.id = 1, .dealer_id = "d"}, foreign{.id = 2, .dealer_id = "e"};
    EXPECT_TRUE(discard(own, dealer));
    EXPECT_EQ(discard(foreign, dealer).error().code, base::Code::forbidden);
    EXPECT_EQ(discard({.id = 3}, dealer).error().code, base::Code::forbidden) << "nobody's";
    EXPECT_TRUE(discard(foreign, admin));
    const Actor anybody;
    EXPECT_TRUE(discard({.id = 3}, anybody)) << "nobody's";
    EXPECT_EQ(discard(own, anybody).error().code, base::Code::forbidden);
    EXPECT_EQ(owned_by(own, anybody).dealer_id, "");
    auto held = reserved(one, later);
    auto dearer = held;
    dearer.price = kit::Decimal::of_hundredths(1);
    EXPECT_EQ(edit(held, dearer, admin, now).error().code, base::Code::conflict);
    EXPECT_TRUE(edit(held, held, admin, now)) << "other fields may change";
    EXPECT_EQ(discard(held, admin).error().code, base::Code::conflict);
    EXPECT_EQ(discard(sold(one), {}).error().code, base::Code::conflict);
    auto given_away = own;
    given_away.dealer_id = "e";
    EXPECT_EQ(edit(own, given_away, dealer, now)->vehicle.dealer_id, "d");
    EXPECT_EQ(edit(own, given_away, admin, now)->vehicle.dealer_id, "e");
}

const std::string token = "the services of this test know this word";

kit::testing::Answer ask(Client& client, const std::string& method, const std::string& path, const std::string& body) {
    client.send(method + " " + path + " HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer " + token +
                "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                body);
    return client.read(method);
}

std::string order(int number) {
    auto text = std::to_string(number);
    return "00000000-0000-4000-8000-" + std::string(12 - text.size(), '0') + text;
}

/// Eight orders in each of `rounds` want the same vehicle, over three replicas: exactly one gets and buys it.
void race(const std::string& url, int rounds) {
    const std::vector<std::string> environment{"DATABASE_URL=" + url, "SERVICE_TOKEN=" + token};
    std::vector<std::unique_ptr<ServiceProcess>> replicas(3);
    for (auto& replica : replicas) replica = std::make_unique<ServiceProcess>(PROGRAM, environment);
    for (auto& replica : replicas) {
        ASSERT_NE(replica->port(), 0);
        Client client(replica->port());
        do client.send(kit::testing::get("/ready"));
        while (client.read().status != 200);
    }
    Client first(replicas[0]->port());
    for (int round = 0; round < rounds; ++round) {
        const auto added =
            ask(first, "POST", "/vehicles", R"({"name":"one","brand":"b","model":"m","year":2020,"price":1})");
        ASSERT_EQ(added.status, 201) << added.body;
        const auto id = added.body.substr(6, added.body.find(',') - 6);
        std::atomic<int> won = 0, refused = 0, bought = 0;
        std::vector<std::thread> orders;
        for (int number = 0; number < 8; ++number) {
            orders.emplace_back([&, number] {
                Client client(replicas[static_cast<std::size_t>(number) % 3]->port());
                const auto path = "/vehicles/" + id;
                const auto until = base::rfc3339_micro(std::chrono::system_clock::now() + std::chrono::hours(1));
                const auto wish = R"({"order_id":")" + order(number) + R"(","until":")" + until + "\"}";
                const auto answer = ask(client, "PUT", path + "/reservation", wish);
                ++(answer.status == 200 ? won : refused);
                EXPECT_TRUE(answer.status == 200 || answer.status == 409) << answer.body;
                const auto sale = ask(client, "PUT", path + "/sale", R"({"order_id":")" + order(number) + "\"}");
                if (sale.status == 200) ++bought;
            });
        }
        for (auto& one_order : orders) one_order.join();
        EXPECT_EQ(won, 1);
        EXPECT_EQ(refused, 7);
        EXPECT_EQ(bought, 1);
    }
}

TEST(StockRace, ExactlyOneOrderWinsOnThreeReplicasOfSqlite) {
    kit::testing::TemporaryFolder folder;
    race("sqlite:" + folder.path() + "/v.db", 20);
}

TEST(StockRace, ExactlyOneOrderWinsOnThreeReplicasOfPostgres) {
    std::string why;
    const auto postgres = kit::testing::PrivatePostgres::make(why);
    if (!postgres) GTEST_SKIP() << why;
    ASSERT_TRUE(postgres->start());
    race(postgres->url(), 20);
}

}  // namespace
}  // namespace vehicles
