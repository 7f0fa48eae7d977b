// An order and what may become of it: a pure state machine. A stage says what is to be done next at another service;
// it is written before that is done, and left only when the outcome is known, so that a step that was cut off is done
// again. Every step can be done twice without harm: the others know repeats by the order's and the attempt's id.
//
//   placing --reserved--> placed <--declined-- paying <-> pending         (placing --refused--> releasing)
//                           |  \--pay-----------^ |
//                           |                     authorized
//                           |                     v
//                           |                  selling --sold--> capturing --captured--> confirmed
//                           | time, cancel        | refused                                 | refund
//                           v                     v                                         v
//                       releasing <--voided--- voiding (also from paying, pending)      refunding
//                           | released                                                      | money back
//                           v                                                               v
//            expired / cancelled / rejected                              refunded <--- returning
//
// Money is taken only after the vehicle is sold to this order, and given back before the vehicle is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kit/decimal.h"
#include "run/loop.h"

namespace orders {

enum class Stage : std::uint8_t {
    placing,
    placed,
    paying,    ///< an attempt to pay is under way, and its answer not known
    pending,   ///< the gateway has not decided
    declined,  ///< may pay again
    selling,
    capturing,
    confirmed,
    voiding,
    releasing,
    refunding,
    returning,  ///< the vehicle goes back to the catalogue
    expired,
    cancelled,
    refunded,
    rejected  ///< the vehicle could not be reserved: it never became an order
};
inline constexpr std::size_t stages = 16;
std::string_view name_of(Stage stage);
std::optional<Stage> stage_named(std::string_view name);

struct Order {
    std::string id;
    std::string user_id;
    std::string email;
    std::int64_t vehicle_id = 0;
    std::string vehicle;  ///< "VW Golf"
    std::string brand;
    std::string dealer_id;
    kit::Decimal amount;
    std::string currency = "EUR";
    Stage stage = Stage::placing;
    Stage goal = Stage::placing;  ///< where voiding, releasing and returning lead
    std::string attempt;          ///< the key of the present or last payment
    std::string attempt_key;      ///< the client's Idempotency-Key of it
    std::string payment_id;
    std::string reason;   ///< why it was declined or rejected
    std::string request;  ///< the idempotency key under which it was placed
    std::string traceparent;
    run::Time expires_at;
    run::Time created_at;
    run::Time updated_at;
    std::optional<run::Time> paid_at;
    std::optional<run::Time> confirmed_at;
    std::int64_t revision = 1;
    std::int64_t lease_until = 0;  ///< milliseconds; as read
};

/// What clients are told: placing, placed, paying, paid, confirmed, declined, expired, cancelling, cancelled,
/// refunding, refunded or rejected.
std::string_view state_of(const Order& order);
/// Nothing will happen any more unless somebody asks for it.
bool at_rest(const Order& order);

enum class Happening : std::uint8_t {
    reserved,
    reserve_refused,
    pay_asked,
    authorized,
    declined,
    undecided,
    sold,
    sale_refused,
    captured,
    capture_refused,
    voided,
    released,
    money_back,
    refund_refused,
    returned,
    cancel_asked,
    refund_asked,
    time_passed
};
std::string_view name_of(Happening happening);

struct Event {
    Happening happening;
    std::string payment_id;   ///< authorized, declined, undecided
    std::string reason;       ///< of refusals
    std::string attempt;      ///< pay_asked; and of what is told of a payment: another attempt's news are passed over
    std::string attempt_key;  ///< pay_asked
    std::string vehicle;      ///< reserved: what is known of the vehicle then
    std::string brand;
    std::string dealer_id;
    kit::Decimal amount;
};

/// What is to be done for the order as it stands.
enum class Action : std::uint8_t {
    none,
    reserve,
    settle,
    sell,
    capture,
    release_money,
    release_vehicle,
    refund,
    take_back
};
Action action_of(const Order& order);
std::string_view name_of(Action action);

struct Transition {
    Order after;
    std::vector<std::string> events;  ///< types to publish: order.placed
};
/// Nothing when the happening does not concern the order as it stands (it came late or twice). What clients ask for and
/// cannot have is a `conflict`.
base::Result<std::optional<Transition>> advance(const Order& order, const Event& event, run::Time now);

/// When the order is to be looked at again, if nobody is at it; nothing: never.
std::optional<run::Time> due_at(const Order& order, run::Time now);

}  // namespace orders
