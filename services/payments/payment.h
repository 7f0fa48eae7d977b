// A payment and what may become of it: a pure state machine. What is to be done at the gateway is a step, written
// before it is done and kept until its outcome is known; only then the status changes, together with the ledger.
//
//   pending --authorize / settle--> authorized --capture--> captured --refund--> refunded
//      \-> declined                     \--release--> voided     (partly refunded: still captured)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kit/decimal.h"
#include "payments/ledger.h"
#include "run/loop.h"

namespace payments {

enum class Status : std::uint8_t { pending, authorized, declined, captured, voided, refunded };
std::string_view name_of(Status status);
std::optional<Status> status_named(std::string_view name);

/// What is being done at the gateway. settle: asking what became of an authorization whose outcome is not known.
enum class Step : std::uint8_t { none, authorize, settle, capture, release, refund };
std::string_view name_of(Step step);
Step step_named(std::string_view name);

enum class CaptureWhen : std::uint8_t { asked, at_once };

struct Payment {
    std::string id;  ///< also our reference at the gateway
    std::string order_id;
    std::string user_id;
    std::string email;
    kit::Decimal amount;
    std::string currency = "EUR";
    Status status = Status::pending;
    std::string reason;  ///< why it was declined
    std::string brand;
    std::string last4;
    kit::Decimal captured;
    kit::Decimal refunded;
    CaptureWhen capture_when = CaptureWhen::asked;
    std::string request;  ///< the idempotency key under which it was asked for
    Step step = Step::none;
    std::string step_id;  ///< the gateway knows repeats of a capture or refund by it
    kit::Decimal step_amount;
    std::string step_request;   ///< the idempotency key of the step, or ""
    bool told_pending = false;  ///< who asked was told "pending" and hears of the outcome by webhook
    run::Time created_at;
    run::Time updated_at;
    run::Time due_at;  ///< when the step is to be looked at again, if nobody is at it
    std::int64_t revision = 1;
    std::int64_t lease_until = 0;  ///< milliseconds; as read
};

/// What the gateway said to a step.
enum class Verdict : std::uint8_t { done, declined, pending };
struct Ruling {
    Verdict verdict = Verdict::done;
    std::string reason;
};

/// What follows from a ruling; all of it is written in one transaction.
struct Change {
    Payment after;
    std::vector<Movement> movements;
    std::vector<std::string> events;  ///< types: payment.authorized
    bool webhook = false;
};
Change apply(const Payment& payment, const Ruling& ruling, run::Time now);
/// The gateway did not answer: an authorization is pending then; nothing for other steps, which are repeated.
std::optional<Change> apply_silence(const Payment& payment, run::Time now);

/// A step that somebody asks for. The payment as it is when there is nothing left to do; `conflict` when it cannot be;
/// `too_many_requests` while another step is under way.
struct Wanted {
    Step step = Step::none;
    std::optional<kit::Decimal> amount;  ///< nothing: all of it
    std::string step_id;
    std::string request;
};
base::Result<Payment> begin(const Payment& payment, const Wanted& wanted);

void append_json(std::string& out, const Payment& payment);
std::string json_of(const Payment& payment);
/// JSON Schema of what is answered.
std::string payment_schema();

}  // namespace payments
