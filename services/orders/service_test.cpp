// The service as a process beside real vehicles and payments, on SQLite and on a real PostgreSQL. The service token
// stands for a buyer; what users may see of each other's orders is in tests/contract and tests/e2e.
#include <gtest/gtest.h>

#include <array>
#include <thread>

#include "kit/auth/signing.h"
#include "payments/testing.h"

namespace orders {
namespace {

using namespace payments::testing;

class OrdersService : public Party {
 protected:
    static std::string program(const std::string& name) {
        const std::string own = PROGRAM;
        return fmt::format("{}/{}", own.substr(0, own.rfind('/')), name);
    }
    std::uint16_t serve(std::vector<std::string> more = {}) {
        orders_port_ = kit::testing::free_port();
        vehicles_ = ready(start(program("vehicles"), "vehicles", {"SAMPLE_DATA=true"}));
        payments_ = ready(start(program("payments"), "payments", {orders_url()}));
        return serve_orders(std::move(more));
    }
    std::uint16_t serve_orders(std::vector<std::string> more = {}) {
        more.push_back(fmt::format("VEHICLES_URL=http://127.0.0.1:{}", vehicles_));
        more.push_back(fmt::format("PAYMENTS_URL=http://127.0.0.1:{}", payments_));
        more.push_back(fmt::format("PORT={}", orders_port_));
        return ready(start(PROGRAM, "orders", std::move(more)));
    }
    std::string orders_url() const { return fmt::format("ORDERS_URL=http://127.0.0.1:{}", orders_port_); }
    static std::string wish(int vehicle) { return fmt::format(R"({{"vehicle_id":{}}})", vehicle); }
    static std::string paying(std::string_view number) { return fmt::format(R"({{"card":{}}})", card(number)); }
    static Answer place(std::uint16_t port, int vehicle, const std::string& key) {
        return ask(port, "POST", "/orders", wish(vehicle), with_key(key));
    }
    static std::string state(std::uint16_t port, const std::string& id) {
        return ask(port, "GET", "/orders/" + id).text("state");
    }
    std::string stock(int vehicle) const {
        return ask(vehicles_, "GET", fmt::format("/vehicles/{}", vehicle)).text("stock");
    }
    void expect_books() const { EXPECT_TRUE(ask(payments_, "GET", "/ledger/balance").json.at("balanced").as_bool()); }

    std::uint16_t orders_port_ = 0;
    std::uint16_t vehicles_ = 0;
    std::uint16_t payments_ = 0;
};

INSTANTIATE_TEST_SUITE_P(On, OrdersService, ::testing::Values("sqlite", "postgres"),
                         [](const auto& info) { return info.param; });

TEST_P(OrdersService, ReservePayConfirmAndGiveBack) {
    const auto port = serve();
    const auto placed = place(port, 1, "a");
    ASSERT_EQ(placed.status, 201) << placed.body;
    EXPECT_EQ(placed.text("state"), "placed");
    EXPECT_EQ(placed.text("vehicle"), "Volvo V60");
    EXPECT_EQ(stock(1), "reserved");
    EXPECT_EQ(place(port, 1, "a").body, placed.body) << "the same request, the same answer";
    EXPECT_EQ(place(port, 2, "a").status, 422) << "the key of another request";
    EXPECT_EQ(place(port, 1, "b").status, 409);
    EXPECT_EQ(place(port, 1, "b").status, 409) << "kept, too";
    EXPECT_EQ(place(port, 999, "c").status, 404);
    const auto path = "/orders/" + placed.text("id");
    EXPECT_EQ(ask(port, "POST", path + "/refund").status, 409);
    const auto paid = ask(port, "POST", path + "/payment", paying("4242424242424242"), with_key("p"));
    EXPECT_EQ(paid.status, 202);
    EXPECT_EQ(paid.text("state"), "confirmed") << paid.body;
    EXPECT_EQ(stock(1), "sold");
    EXPECT_EQ(ask(port, "POST", path + "/payment", paying("4242424242424242"), with_key("p")).status, 202) << "again";
    EXPECT_EQ(ask(port, "POST", path + "/payment", paying("4242424242424242"), with_key("q")).status, 409);
    EXPECT_EQ(ask(port, "POST", path + "/cancel").status, 409);
    EXPECT_EQ(ask(port, "POST", path + "/refund").text("state"), "refunded");
    EXPECT_EQ(ask(port, "POST", path + "/refund").status, 202);
    EXPECT_EQ(stock(1), "available");
    const auto history = ask(port, "GET", path + "/history");
    std::string states;
    for (const auto& step : history.json.at("items").as_array()) {
        states += std::string(step.at("state").as_string()) + " ";
    }
    EXPECT_EQ(states, "placed paying paid confirmed refunding refunded ");
    EXPECT_EQ(ask(port, "GET", "/orders").number("total"), 1);
    const auto figures = ask(port, "GET", "/orders/stats", {}, {});
    EXPECT_EQ(figures.json.at("funnel").at("confirmed").as_int64(), 1);
    EXPECT_EQ(figures.json.at("states").at("refunded").as_int64(), 1);
    expect_books();
}

TEST_P(OrdersService, DeclinedMayPayAgainAndCancelledIsReleased) {
    const auto port = serve();
    const auto path = "/orders/" + place(port, 2, "a").text("id");
    const auto declined = ask(port, "POST", path + "/payment", paying("4000000000009995"));
    EXPECT_EQ(declined.text("state"), "declined");
    EXPECT_EQ(declined.text("reason"), "insufficient_funds");
    const auto invalid = ask(port, "POST", path + "/payment", paying("4242424242424241"));
    EXPECT_EQ(invalid.status, 422);
    EXPECT_NE(invalid.body.find("card.number"), std::string::npos) << invalid.body;
    EXPECT_EQ(ask(port, "POST", path + "/payment", paying("5555555555554444")).text("state"), "confirmed");
    const auto other = "/orders/" + place(port, 3, "b").text("id");
    EXPECT_EQ(ask(port, "POST", other + "/cancel").text("state"), "cancelled");
    EXPECT_EQ(stock(3), "available");
    expect_books();
}

TEST_P(OrdersService, PendingIsDecidedByWebhookOrByAsking) {
    const auto port = serve();
    const auto later = place(port, 1, "a").text("id");
    EXPECT_EQ(ask(port, "POST", "/orders/" + later + "/payment", paying("4000000000000077")).text("state"), "paying");
    const auto silent = place(port, 2, "b").text("id");
    EXPECT_EQ(ask(port, "POST", "/orders/" + silent + "/payment", paying("4000000000000119")).text("state"), "paying");
    const auto lost = place(port, 3, "c").text("id");
    EXPECT_EQ(ask(port, "POST", "/orders/" + lost + "/payment", paying("4000000000000127")).text("state"), "paying");
    EXPECT_TRUE(until([&] { return state(port, later) == "confirmed"; }));
    EXPECT_TRUE(until([&] { return state(port, silent) == "confirmed"; }));
    EXPECT_TRUE(until([&] { return state(port, lost) == "declined"; }));
    EXPECT_EQ(ask(port, "POST", "/webhooks/payments", R"({"payment":{}})", {{"Slipway-Signature", "t=1,v1=00"}}).status,
              401);
    expect_books();
}

TEST_P(OrdersService, WhatIsNotPaidInTimeExpires) {
    const auto port = serve({"ORDER_TTL=1s"});
    const auto id = place(port, 4, "a").text("id");
    const auto decided_late = place(port, 5, "b").text("id");
    ask(port, "POST", "/orders/" + decided_late + "/payment", paying("4000000000009979"));
    EXPECT_TRUE(until([&] { return state(port, id) == "expired" && stock(4) == "available"; }));
    EXPECT_TRUE(until([&] { return state(port, decided_late) == "expired" && stock(5) == "available"; }));
    EXPECT_EQ(ask(port, "POST", "/orders/" + id + "/payment", paying("4242424242424242")).status, 409);
    expect_books();
}

TEST_P(OrdersService, OneOfManyGetsTheVehicle) {
    const auto port = serve();
    std::array<int, 6> statuses{};
    std::vector<std::thread> threads;
    for (std::size_t at = 0; at < statuses.size(); ++at) {
        threads.emplace_back([&, at] { statuses[at] = place(port, 6, fmt::format("k{}", at)).status; });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(std::ranges::count(statuses, 201), 1);
    EXPECT_EQ(std::ranges::count(statuses, 409), 5);
}

TEST_P(OrdersService, ReplicasWorkSideBySideAndTakeUpWhatOneLeft) {
    serve({"SLIPWAY_CRASH_AT=orders.after_sell:1"});
    const auto id = place(orders_port_, 7, "a").text("id");
    EXPECT_EQ(ask(orders_port_, "POST", "/orders/" + id + "/payment", paying("4242424242424242")).status, 0);
    EXPECT_EQ(processes_.back()->wait(), 128 + 9);
    const auto one = ready(start(PROGRAM, "orders",
                                 {fmt::format("VEHICLES_URL=http://127.0.0.1:{}", vehicles_),
                                  fmt::format("PAYMENTS_URL=http://127.0.0.1:{}", payments_)}));
    const auto other = serve_orders();
    EXPECT_TRUE(until([&] { return state(one, id) == "confirmed"; }));
    EXPECT_EQ(state(other, id), "confirmed");
    EXPECT_EQ(stock(7), "sold");
    EXPECT_EQ(ask(payments_, "GET", "/payments?order_id=" + id).number("total"), 1);
    expect_books();
}

TEST_P(OrdersService, TakesOrdersOfAnItemAsSmallDemoApplicationsDo) {
    const auto port = serve({"OPEN_DEMO=on"});
    EXPECT_EQ(ask(port, "POST", "/orders", R"({"item":"wheel","quantity":4})", {}).body,
              R"({"id":1,"item":"wheel","quantity":4})");
    EXPECT_EQ(ask(port, "GET", "/orders", {}, {}).body, R"([{"id":1,"item":"wheel","quantity":4}])");
    EXPECT_EQ(ask(port, "POST", "/orders", wish(1), {}).status, 401) << "a vehicle is for who is known";
    const auto both = ask(port, "POST", "/orders-with-payment", R"({"item":"tyre","quantity":2,"amount":99.90})", {});
    EXPECT_EQ(both.status, 201) << both.body;
    EXPECT_EQ(both.json.at("payment").at("status").as_string(), "success");
    const auto refused = ask(port, "POST", "/orders-with-payment",
                             R"({"item":"tyre","amount":99.90,"card":)" + card("4000000000009995") + "}", {});
    EXPECT_EQ(refused.status, 402);
    EXPECT_EQ(ask(port, "POST", "/orders", R"({"item":"","quantity":0})", {}).status, 422);
    const auto nothing = ask(port, "POST", "/orders", R"({"quantity":2})", {});
    EXPECT_EQ(nothing.status, 422);
    EXPECT_NE(nothing.body.find(R"({"field":"item","message":"is required"})"), std::string::npos) << nothing.body;
    EXPECT_EQ(ask(port, "GET", "/orders").number("total"), 0) << "they are no orders of vehicles";
    expect_books();
}

TEST_P(OrdersService, SaysWhatIsAwayAndGoesOnWhenItIsBack) {
    serve();
    const auto placed = place(orders_port_, 8, "a");
    processes_[1]->terminate();  // payments
    processes_[1]->wait();
    const auto path = "/orders/" + placed.text("id");
    const auto paying_now = ask(orders_port_, "POST", path + "/payment", paying("4242424242424242"));
    EXPECT_EQ(paying_now.text("state"), "paying") << paying_now.body;
    EXPECT_EQ(ask(orders_port_, "POST", path + "/cancel").text("state"), "cancelling")
        << "decided, and done when it can be";
    start(program("payments"), "payments", {fmt::format("PORT={}", payments_), orders_url()});
    EXPECT_TRUE(until([&] { return state(orders_port_, placed.text("id")) == "cancelled"; }));
    EXPECT_EQ(stock(8), "available");
    expect_books();
}

}  // namespace
}  // namespace orders
