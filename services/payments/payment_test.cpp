// Cards and the state machine of a payment, without a database.
#include "payments/payment.h"

#include <gtest/gtest.h>

#include "payments/card.h"
#include "payments/sandbox_gateway.h"

namespace payments {
namespace {

using kit::Decimal;

const run::Time now{std::chrono::sys_days(std::chrono::year(2026) / 6 / 15)};

Payment fresh() {
    return {
        .id = "p", .order_id = "o", .amount = Decimal::of_hundredths(1000), .step = Step::authorize, .created_at = now};
}

Payment after(const Payment& payment, Verdict verdict) {
    const auto change = apply(payment, {verdict, "why"}, now);
    for (const auto& movement : change.movements) EXPECT_TRUE(balances(movement)) << movement.kind;
    return change.after;
}

Payment authorized() { return after(fresh(), Verdict::done); }

Payment captured() {
    const auto begun = begin(authorized(), {.step = Step::capture, .step_id = "c"});
    return after(*begun, Verdict::done);
}

std::string wrong_fields(const std::string& json) {
    const auto card = card_of(json, now);
    std::string names;
    if (!card && card.error().details) {
        for (const auto& cause : card.error().details->causes) names += cause.field + " ";
    }
    return names;
}

TEST(Card, IsCheckedAndKnownByItsBrand) {
    const auto visa = card_of(R"({"number":"4242 4242-4242 4242","month":6,"year":2026,"cvc":"123"})", now);
    ASSERT_TRUE(visa) << visa.error().message;
    EXPECT_EQ(visa->last4(), "4242");
    EXPECT_EQ(visa->brand(), "visa");
    EXPECT_EQ(wrong_fields(R"({"number":"4242424242424241","month":6,"year":2026})"), "card.number ");
    EXPECT_EQ(wrong_fields(R"({"number":"4242424242424242","month":5,"year":2026})"), "card.year ") << "last month";
    EXPECT_EQ(wrong_fields(R"({"number":"42424242424242ab","month":5,"year":2026,"cvc":"12x"})"),
              "card.number card.year card.cvc ");
    for (const auto& known : test_cards()) EXPECT_TRUE(luhn_holds(known.number)) << known.number;
}

TEST(Payment, GoesFromAuthorizedToRefundedInParts) {
    const auto paid = captured();
    EXPECT_EQ(paid.status, Status::captured);
    const Wanted half{.step = Step::refund, .amount = Decimal::of_hundredths(400), .step_id = "r1"};
    const auto partly = after(*begin(paid, half), Verdict::done);
    EXPECT_EQ(partly.status, Status::captured);
    EXPECT_EQ(partly.refunded.text(), "4.00");
    EXPECT_FALSE(begin(partly, {.step = Step::refund, .amount = Decimal::of_hundredths(601), .step_id = "r2"}));
    const auto whole = after(*begin(partly, {.step = Step::refund, .step_id = "r3"}), Verdict::done);
    EXPECT_EQ(whole.status, Status::refunded);
    EXPECT_EQ(begin(whole, {.step = Step::refund})->step, Step::none) << "asked for again: it is done already";
}

TEST(Payment, BeginsNoStepThatDoesNotFit) {
    const auto declined = after(fresh(), Verdict::declined);
    EXPECT_EQ(declined.status, Status::declined);
    EXPECT_EQ(declined.reason, "why");
    EXPECT_FALSE(begin(declined, {.step = Step::capture}));
    EXPECT_EQ(begin(declined, {.step = Step::release})->step, Step::none);
    EXPECT_FALSE(begin(captured(), {.step = Step::release}));
    EXPECT_FALSE(begin(authorized(), {.step = Step::refund}));
    const auto capturing = begin(authorized(), {.step = Step::capture, .step_id = "c"});
    const auto other = begin(*capturing, {.step = Step::release});
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, base::Code::too_many_requests);
    EXPECT_EQ(begin(*capturing, {.step = Step::capture, .step_id = "d"})->step_id, "c") << "the same step, once more";
}

TEST(Payment, SilenceIsPendingUntilTheGatewayIsAsked) {
    const auto silent = apply_silence(fresh(), now);
    ASSERT_TRUE(silent);
    EXPECT_EQ(silent->after.status, Status::pending);
    EXPECT_EQ(silent->after.step, Step::settle);
    const auto told = apply(silent->after, {Verdict::done, {}}, now);
    EXPECT_TRUE(told.webhook);
    EXPECT_EQ(told.after.status, Status::authorized);
    const auto given_up = begin(silent->after, {.step = Step::release});
    ASSERT_TRUE(given_up) << "what is not decided can be let go";
    EXPECT_EQ(after(*given_up, Verdict::done).status, Status::voided);
    EXPECT_FALSE(apply_silence(*begin(authorized(), {.step = Step::capture}), now)) << "captures are repeated";
}

}  // namespace
}  // namespace payments
