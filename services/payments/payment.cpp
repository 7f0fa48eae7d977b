#include "payments/payment.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "kit/json_text.h"
#include "kit/problem.h"

namespace payments {
namespace {

constexpr std::array<std::string_view, 6> status_names{"pending",  "authorized", "declined",
                                                       "captured", "voided",     "refunded"};
constexpr std::array<std::string_view, 6> step_names{"none", "authorize", "settle", "capture", "release", "refund"};
constexpr auto settle_first = std::chrono::milliseconds(500);
constexpr auto settle_last = std::chrono::seconds(30);

/// The older a payment, the less often the gateway is asked.
run::Time next_look(const Payment& payment, run::Time now) {
    const run::Duration age = now - payment.created_at;
    return now + std::clamp<run::Duration>(age / 4, settle_first, settle_last);
}

void end_step(Payment& payment) {
    payment.step = Step::none;
    payment.step_id.clear();
    payment.step_request.clear();
    payment.step_amount = {};
}

void decided(Change& change, const Ruling& ruling) {
    auto& payment = change.after;
    const bool yes = ruling.verdict == Verdict::done;
    change.webhook = payment.told_pending;
    payment.status = yes ? Status::authorized : Status::declined;
    payment.reason = yes ? "" : ruling.reason;
    change.events.emplace_back(yes ? "payment.authorized" : "payment.declined");
    if (yes) change.movements.push_back(hold(payment.id, payment.amount));
    end_step(payment);
    if (yes && payment.capture_when == CaptureWhen::at_once) {
        payment.step = Step::capture;
        payment.step_id = payment.id + "-capture";
        payment.step_amount = payment.amount;
    }
}

void authorized_or_not(Change& change, const Ruling& ruling, run::Time now) {
    if (ruling.verdict != Verdict::pending) return decided(change, ruling);
    change.after.step = Step::settle;
    change.after.told_pending = true;
    change.after.due_at = next_look(change.after, now);
}

void captured_or_not(Change& change, const Ruling& ruling) {
    auto& payment = change.after;
    change.movements.push_back(unhold(payment.id, payment.amount));
    if (ruling.verdict == Verdict::done) {
        payment.status = Status::captured;
        payment.captured = payment.step_amount;
        change.movements.push_back(capture(payment.step_id, payment.id, payment.captured));
        change.events.emplace_back("payment.captured");
    } else {  // what was authorized is not there any more
        payment.status = Status::voided;
        payment.reason = ruling.reason;
        change.events.emplace_back("payment.voided");
    }
    end_step(payment);
}

void released_or_not(Change& change, const Ruling& ruling) {
    auto& payment = change.after;
    if (ruling.verdict == Verdict::done) {
        if (payment.status == Status::authorized) change.movements.push_back(unhold(payment.id, payment.amount));
        payment.status = Status::voided;
        change.events.emplace_back("payment.voided");
    }
    end_step(payment);
}

void refunded_or_not(Change& change, const Ruling& ruling) {
    auto& payment = change.after;
    if (ruling.verdict == Verdict::done) {
        payment.refunded = payment.refunded + payment.step_amount;
        if (payment.refunded == payment.captured) payment.status = Status::refunded;
        change.movements.push_back(refund(payment.step_id, payment.id, payment.step_amount));
        change.events.emplace_back("payment.refunded");
    } else {
        payment.reason = ruling.reason;
    }
    end_step(payment);
}

base::Error not_now(const Payment& payment, std::string_view act) {
    return {base::Code::conflict, fmt::format("a payment that is {} cannot be {}", name_of(payment.status), act)};
}

base::Result<kit::Decimal> amount_within(const std::optional<kit::Decimal>& wanted, kit::Decimal most) {
    const auto amount = wanted.value_or(most);
    if (amount <= kit::Decimal() || amount > most) {
        return std::unexpected(
            kit::invalid_fields({{"amount", fmt::format("must be more than 0 and at most {}", most.text())}}));
    }
    return amount;
}

Payment with_step(Payment payment, const Wanted& wanted, kit::Decimal amount) {
    payment.step = wanted.step;
    payment.step_id = wanted.step_id;
    payment.step_amount = amount;
    payment.step_request = wanted.request;
    return payment;
}

base::Result<Payment> begin_capture(const Payment& payment, const Wanted& wanted) {
    if (payment.status == Status::captured || payment.status == Status::refunded) {
        if (wanted.amount && *wanted.amount != payment.captured) return std::unexpected(not_now(payment, "captured"));
        return payment;
    }
    if (payment.status != Status::authorized) return std::unexpected(not_now(payment, "captured"));
    return with_step(payment, wanted, TRY(amount_within(wanted.amount, payment.amount)));
}

base::Result<Payment> begin_release(const Payment& payment, const Wanted& wanted) {
    if (payment.status == Status::voided || payment.status == Status::declined) return payment;
    if (payment.status != Status::authorized && payment.status != Status::pending) {
        return std::unexpected(not_now(payment, "voided"));
    }
    return with_step(payment, wanted, {});
}

base::Result<Payment> begin_refund(const Payment& payment, const Wanted& wanted) {
    if (payment.status == Status::refunded && !wanted.amount) return payment;
    if (payment.status != Status::captured) return std::unexpected(not_now(payment, "refunded"));
    return with_step(payment, wanted, TRY(amount_within(wanted.amount, payment.captured - payment.refunded)));
}

std::string optional_text(std::string_view text) {
    std::string out;
    if (text.empty()) return "null";
    kit::append_json_string(out, text);
    return out;
}

}  // namespace

std::string_view name_of(Status status) { return status_names[static_cast<std::size_t>(status)]; }
std::string_view name_of(Step step) { return step_names[static_cast<std::size_t>(step)]; }

std::optional<Status> status_named(std::string_view name) {
    const auto found = std::ranges::find(status_names, name);
    if (found == status_names.end()) return std::nullopt;
    return static_cast<Status>(found - status_names.begin());
}

Step step_named(std::string_view name) {
    const auto found = std::ranges::find(step_names, name);
    return found == step_names.end() ? Step::none : static_cast<Step>(found - step_names.begin());
}

Change apply(const Payment& payment, const Ruling& ruling, run::Time now) {
    Change change{.after = payment};
    change.after.updated_at = now;
    switch (payment.step) {
        case Step::authorize:
        case Step::settle:
            authorized_or_not(change, ruling, now);
            break;
        case Step::capture:
            captured_or_not(change, ruling);
            break;
        case Step::release:
            released_or_not(change, ruling);
            break;
        case Step::refund:
            refunded_or_not(change, ruling);
            break;
        case Step::none:
            break;
    }
    return change;
}

std::optional<Change> apply_silence(const Payment& payment, run::Time now) {
    if (payment.step != Step::authorize && payment.step != Step::settle) return std::nullopt;
    return apply(payment, {Verdict::pending, {}}, now);
}

base::Result<Payment> begin(const Payment& payment, const Wanted& wanted) {
    const bool same = payment.step == wanted.step && payment.step_request == wanted.request;
    if (payment.step == Step::settle && wanted.step == Step::release) return begin_release(payment, wanted);
    if (same && payment.step != Step::none) return payment;  // it is done once more: the gateway knows it
    if (payment.step != Step::none) {
        return base::fail(base::Code::too_many_requests,
                          fmt::format("another step is under way: {}", name_of(payment.step)));
    }
    switch (wanted.step) {
        case Step::capture:
            return begin_capture(payment, wanted);
        case Step::release:
            return begin_release(payment, wanted);
        default:
            return begin_refund(payment, wanted);
    }
}

void append_json(std::string& out, const Payment& payment) {
    kit::JsonText json(out);
    json.open('{').field("id", payment.id).field("order_id", payment.order_id).field("user_id", payment.user_id);
    json.field("amount", payment.amount).field("currency", payment.currency).field("status", name_of(payment.status));
    json.key("reason").raw(optional_text(payment.reason));
    json.key("card").open('{').field("brand", payment.brand).field("last4", payment.last4).close('}');
    json.field("captured", payment.captured).field("refunded", payment.refunded);
    json.field("created_at", base::rfc3339_micro(payment.created_at));
    json.field("updated_at", base::rfc3339_micro(payment.updated_at)).close('}');
}

std::string json_of(const Payment& payment) {
    std::string text;
    append_json(text, payment);
    return text;
}

std::string payment_schema() {
    return R"({"type":"object","required":["id","order_id","amount","currency","status","captured","refunded"],
        "properties":{"id":{"type":"string"},"order_id":{"type":"string"},"user_id":{"type":"string"},
        "amount":{"type":"number"},"currency":{"type":"string"},
        "status":{"enum":["pending","authorized","declined","captured","voided","refunded"]},
        "reason":{"type":["string","null"]},"card":{"type":"object","properties":{"brand":{"type":"string"},
        "last4":{"type":"string"}}},"captured":{"type":"number"},"refunded":{"type":"number"},
        "created_at":{"type":"string"},"updated_at":{"type":"string"}}})";
}

}  // namespace payments
