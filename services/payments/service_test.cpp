// The service as a process, on SQLite and on a real PostgreSQL: what it answers, keeps, tells and never says.
#include <gtest/gtest.h>

#include <thread>

#include "payments/testing.h"

namespace payments::testing {
namespace {

class Payments : public Party {
 protected:
    static std::string wish(std::string_view number, std::string_view order = "o-1",
                            std::string_view amount = "100.50") {
        return fmt::format(R"({{"order_id":"{}","user_id":"u-1","amount":{},"currency":"EUR","card":{}}})", order,
                           amount, card(number));
    }
    std::uint16_t serve(std::vector<std::string> more = {}) {
        return ready(start(PROGRAM, "payments", std::move(more)));
    }
    static std::string status(std::uint16_t port, const std::string& id) {
        return ask(port, "GET", "/payments/" + id).text("status");
    }
    static void expect_balance(std::uint16_t port) {
        const auto balance = ask(port, "GET", "/ledger/balance");
        EXPECT_EQ(balance.status, 200);
        EXPECT_TRUE(balance.json.at("balanced").as_bool()) << balance.body;
        EXPECT_EQ(balance.number("difference"), 0);
    }
};

INSTANTIATE_TEST_SUITE_P(On, Payments, ::testing::Values("sqlite", "postgres"),
                         [](const auto& info) { return info.param; });

TEST_P(Payments, AnswerOnceAndThenWordForWord) {
    const auto port = serve();
    const auto first = ask(port, "POST", "/payments", wish("4242424242424242"), with_key("a"));
    ASSERT_EQ(first.status, 201) << first.body;
    EXPECT_EQ(first.text("status"), "authorized");
    EXPECT_NE(first.body.find("\"amount\":100.50,"), std::string::npos);
    const auto id = first.text("id");
    EXPECT_EQ(ask(port, "POST", "/payments/" + id + "/capture").text("status"), "captured");
    const auto again = ask(port, "POST", "/payments", wish("4242424242424242"), with_key("a"));
    EXPECT_EQ(again.status, 201);
    EXPECT_EQ(again.body, first.body) << "the answer of then, not the state of now";
    EXPECT_TRUE(again.has("Location: /payments/" + id));
    EXPECT_EQ(ask(port, "POST", "/payments", wish("4242424242424242", "o-2"), with_key("a")).status, 422);
    EXPECT_EQ(ask(port, "POST", "/payments", wish("4242424242424242")).status, 422) << "no key";
    EXPECT_EQ(ask(port, "POST", "/payments", wish("4242424242424242"), {}).status, 401);
    EXPECT_EQ(ask(port, "GET", "/payments?order_id=o-1").json.at("items").as_array().size(), 1U);
    expect_balance(port);
}

TEST_P(Payments, ManyAtOnceWithOneKeyChargeOnce) {
    const auto port = serve();
    std::vector<std::thread> threads;
    std::array<int, 8> statuses{};
    for (auto& status : statuses) {
        threads.emplace_back(
            [&] { status = ask(port, "POST", "/payments", wish("4242424242424242"), with_key("k")).status; });
    }
    for (auto& thread : threads) thread.join();
    for (const auto status : statuses) EXPECT_TRUE(status == 201 || status == 409) << status;
    EXPECT_EQ(ask(port, "GET", "/payments").number("total"), 1);
}

TEST_P(Payments, CapturesRefundsInPartsAndVoids) {
    const auto port = serve();
    const auto id = ask(port, "POST", "/payments", wish("5555555555554444"), with_key("a")).text("id");
    const auto path = "/payments/" + id;
    EXPECT_EQ(ask(port, "POST", path + "/refund").status, 409);
    EXPECT_EQ(ask(port, "POST", path + "/capture").status, 200);
    EXPECT_EQ(ask(port, "POST", path + "/capture").status, 200) << "again: nothing more happens";
    EXPECT_EQ(ask(port, "POST", path + "/void").status, 409);
    EXPECT_EQ(ask(port, "POST", path + "/refund", R"({"amount":0.50})").status, 422) << "a part needs a key";
    const auto part = ask(port, "POST", path + "/refund", R"({"amount":0.50})", with_key("r"));
    EXPECT_EQ(part.number("refunded"), 0.5);
    EXPECT_EQ(ask(port, "POST", path + "/refund", R"({"amount":0.50})", with_key("r")).body, part.body);
    EXPECT_EQ(ask(port, "POST", path + "/refund", R"({"amount":0.60})", with_key("r")).status, 422);
    EXPECT_EQ(ask(port, "POST", path + "/refund", R"({"amount":100.01})", with_key("s")).status, 422) << "too much";
    EXPECT_EQ(ask(port, "POST", path + "/refund").text("status"), "refunded");
    EXPECT_EQ(ask(port, "POST", path + "/refund").status, 200);
    const auto other = ask(port, "POST", "/payments", wish("378282246310005"), with_key("b")).text("id");
    EXPECT_EQ(ask(port, "POST", "/payments/" + other + "/void").text("status"), "voided");
    EXPECT_EQ(ask(port, "POST", "/payments/" + other + "/void").status, 200);
    EXPECT_EQ(ask(port, "POST", "/payments/" + other + "/capture").status, 409);
    const auto movements = ask(port, "GET", path + "/movements");
    EXPECT_EQ(movements.json.at("items").as_array().size(), 10U) << movements.body;
    expect_balance(port);
}

TEST_P(Payments, EveryTestCardDoesWhatIsWritten) {
    const auto port = serve();
    const std::vector<std::array<std::string, 4>> cases{
        {"4242424242424242", "authorized", "authorized", ""},
        {"4000000000009995", "declined", "declined", "insufficient_funds"},
        {"4000000000009979", "declined", "declined", "stolen_card"},
        {"4000000000000069", "declined", "declined", "expired_card"},
        {"4111111111111111", "declined", "declined", "not_a_test_card"},
        {"4000000000000077", "pending", "authorized", ""},
        {"4000000000000341", "pending", "declined", "insufficient_funds"},
        {"4000000000000119", "pending", "authorized", ""},
        {"4000000000000127", "pending", "declined", "not_processed"}};
    for (const auto& [number, first, last, reason] : cases) {
        const auto answer = ask(port, "POST", "/payments", wish(number), with_key(number));
        EXPECT_EQ(answer.status, 201);
        EXPECT_EQ(answer.text("status"), first) << number;
        EXPECT_TRUE(until([&] { return status(port, answer.text("id")) == last; })) << number;
        EXPECT_EQ(ask(port, "GET", "/payments/" + answer.text("id")).text("reason"), reason) << number;
    }
    expect_balance(port);
    auto& process = *processes_.back();
    process.terminate();
    EXPECT_EQ(process.wait(), 0);
    for (const auto& [number, first, last, reason] : cases) {
        EXPECT_EQ(process.log().find(number), std::string::npos) << "a card number in the log";
    }
}

TEST_P(Payments, CloseWhatNeverCame) {
    const auto port = serve();
    const std::string attempt = R"({"order_id":"o-1","amount":100.50})";
    const auto closed = ask(port, "POST", "/attempts/late/resolve", attempt);
    EXPECT_EQ(closed.text("status"), "declined") << closed.body;
    EXPECT_EQ(closed.text("reason"), "interrupted");
    const auto late = ask(port, "POST", "/payments", wish("4242424242424242"), with_key("late"));
    EXPECT_EQ(late.text("status"), "declined") << "it comes too late, and moves no money";
    const auto id = ask(port, "POST", "/payments", wish("4242424242424242"), with_key("held")).text("id");
    EXPECT_EQ(ask(port, "POST", "/attempts/held/resolve", attempt).text("id"), id);
    EXPECT_EQ(ask(port, "POST", "/attempts/held/void", attempt).text("status"), "voided");
    EXPECT_EQ(status(port, id), "voided");
    expect_balance(port);
}

TEST_P(Payments, PayAtOnceAsSmallDemoApplicationsDo) {
    const auto port = serve({"OPEN_DEMO=on"});
    const auto paid = ask(port, "POST", "/pay", R"({"order_id":7,"amount":20})", {});
    EXPECT_EQ(paid.status, 200) << paid.body;
    EXPECT_EQ(paid.text("status"), "success");
    EXPECT_EQ(status(port, paid.text("transaction_id")), "captured");
    const auto refused =
        ask(port, "POST", "/pay", R"({"order_id":"x","amount":20,"card":)" + card("4000000000009995") + "}", {});
    EXPECT_EQ(refused.status, 402);
    EXPECT_EQ(refused.text("reason"), "insufficient_funds");
    EXPECT_TRUE(refused.has("Content-Type: application/json\r\n")) << refused.head;
    EXPECT_EQ(ask(port, "POST", "/pay", R"({"order_id":7})", {}).status, 422);
    expect_balance(port);
}

TEST_P(Payments, AProcessThatDiesAtAnyStepIsTakenUpFromThere) {
    for (const std::string site : {"begun", "before_authorize", "after_authorize", "before_save", "saved"}) {
        auto& first = start(PROGRAM, "payments", {"SLIPWAY_CRASH_AT=payments." + site + ":1"});
        const auto port = ready(first);
        EXPECT_EQ(ask(port, "POST", "/payments", wish("4242424242424242"), with_key(site)).status, 0);
        EXPECT_EQ(first.wait(), 128 + 9) << site;
        auto& second = start(PROGRAM, "payments");
        const auto next = ready(second);
        Answer answer;
        EXPECT_TRUE(until([&] {
            answer = ask(next, "POST", "/payments", wish("4242424242424242"), with_key(site));
            EXPECT_TRUE(answer.status == 201 || (answer.status == 409 && answer.has("Retry-After"))) << answer.status;
            return answer.status == 201;
        })) << site;
        const bool had_arrived = site == "after_authorize" || site == "before_save" || site == "saved";
        EXPECT_EQ(answer.text("status"), had_arrived ? "authorized" : "declined") << site;
        expect_balance(next);
        second.terminate();
        EXPECT_EQ(second.wait(), 0);
    }
}

}  // namespace
}  // namespace payments::testing
