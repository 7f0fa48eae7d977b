#include "orders/saga.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace orders {
namespace {

using enum Stage;

constexpr std::array<std::string_view, stages> stage_names{
    "placing", "placed",    "paying",    "pending",   "declined", "selling",   "capturing", "confirmed",
    "voiding", "releasing", "refunding", "returning", "expired",  "cancelled", "refunded",  "rejected"};

constexpr std::array<std::string_view, 18> happening_names{
    "reserved",   "reserve_refused", "pay_asked", "authorized",      "declined",     "undecided",
    "sold",       "sale_refused",    "captured",  "capture_refused", "voided",       "released",
    "money_back", "refund_refused",  "returned",  "cancel_asked",    "refund_asked", "time_passed"};

constexpr std::array<std::string_view, 9> action_names{
    "none", "reserve", "settle", "sell", "capture", "release_money", "release_vehicle", "refund", "take_back"};

constexpr auto pending_first = std::chrono::milliseconds(500);
constexpr auto pending_last = std::chrono::seconds(20);

using Moved = base::Result<std::optional<Transition>>;

/// A transition being written down.
struct Move {
    Transition to;
    Move(const Order& order, run::Time now) : to{order, {}} { to.after.updated_at = now; }
    Move& stage(Stage next) { return to.after.stage = next, *this; }
    Move& goal(Stage goal) { return to.after.goal = goal, *this; }
    Move& reason(std::string why) { return to.after.reason = std::move(why), *this; }
    Move& payment(const std::string& id) {
        if (!id.empty()) to.after.payment_id = id;
        return *this;
    }
    Move& publish(std::string type) { return to.events.push_back(std::move(type)), *this; }
    operator Moved() && { return std::optional(std::move(to)); }
};

const Moved passed_over = std::optional<Transition>{};

base::Error not_now(const Order& order, std::string_view act) {
    return {base::Code::conflict, fmt::format("an order that is {} cannot be {}", state_of(order), act)};
}

bool awaits_payment(const Order& order) { return order.stage == placed || order.stage == declined; }
bool being_paid(const Order& order) { return order.stage == paying || order.stage == pending; }

Moved on_reserved(const Order& order, const Event& event, run::Time now) {
    if (order.stage != placing) return passed_over;
    Move move(order, now);
    move.to.after.vehicle = event.vehicle;
    move.to.after.brand = event.brand;
    move.to.after.dealer_id = event.dealer_id;
    move.to.after.amount = event.amount;
    return std::move(move.stage(placed).publish("order.placed"));
}

Moved on_pay(const Order& order, const Event& event, run::Time now) {
    if (being_paid(order)) return std::unexpected(not_now(order, "paid a second time"));
    if (!awaits_payment(order)) return std::unexpected(not_now(order, "paid"));
    if (now >= order.expires_at) return base::fail(base::Code::conflict, "the order has expired");
    Move move(order, now);
    move.to.after.attempt = event.attempt;
    move.to.after.attempt_key = event.attempt_key;
    move.to.after.payment_id.clear();
    return std::move(move.stage(paying).reason(""));
}

Moved on_payment(const Order& order, const Event& event, run::Time now) {
    if (!being_paid(order) || event.attempt != order.attempt) return passed_over;
    Move move(order, now);
    move.payment(event.payment_id);
    if (event.happening == Happening::authorized) {
        move.to.after.paid_at = now;
        return std::move(move.stage(selling).publish("order.paid"));
    }
    if (event.happening == Happening::declined) {
        return std::move(move.stage(declined).reason(event.reason).publish("order.declined"));
    }
    if (order.stage == pending) return passed_over;  // as was known
    return std::move(move.stage(pending));
}

Moved on_sale(const Order& order, const Event& event, run::Time now) {
    if (order.stage != selling) return passed_over;
    Move move(order, now);
    if (event.happening == Happening::sold) return std::move(move.stage(capturing));
    return std::move(move.stage(voiding).goal(expired).reason(event.reason));  // the reservation is lost
}

Moved on_capture(const Order& order, const Event& event, run::Time now) {
    if (order.stage != capturing) return passed_over;
    Move move(order, now);
    if (event.happening == Happening::captured) {
        move.to.after.confirmed_at = now;
        return std::move(move.stage(confirmed).publish("order.confirmed"));
    }
    return std::move(move.stage(returning).goal(cancelled).reason(event.reason));  // the authorization is lost
}

Moved on_released(const Order& order, run::Time now) {
    if (order.stage != releasing) return passed_over;
    Move move(order, now);
    if (order.goal != rejected) move.publish(fmt::format("order.{}", name_of(order.goal)));
    return std::move(move.stage(order.goal));
}

Moved on_refund(const Order& order, const Event& event, run::Time now) {
    if (order.stage != refunding) return passed_over;
    Move move(order, now);
    if (event.happening == Happening::money_back) return std::move(move.stage(returning).goal(refunded));
    return std::move(move.stage(confirmed).goal(confirmed).reason(event.reason));
}

Moved on_returned(const Order& order, run::Time now) {
    if (order.stage != returning) return passed_over;
    return std::move(Move(order, now).stage(order.goal).publish(fmt::format("order.{}", name_of(order.goal))));
}

Moved on_cancel(const Order& order, run::Time now) {
    const bool already = order.stage == cancelled || order.goal == cancelled;
    if (already) return passed_over;
    if (awaits_payment(order)) return std::move(Move(order, now).stage(releasing).goal(cancelled));
    if (being_paid(order)) return std::move(Move(order, now).stage(voiding).goal(cancelled));
    return std::unexpected(not_now(order, "cancelled"));
}

Moved on_refund_asked(const Order& order, run::Time now) {
    const bool already = order.stage == refunded || order.stage == refunding || order.goal == refunded;
    if (already) return passed_over;
    if (order.stage != confirmed) return std::unexpected(not_now(order, "refunded"));
    return std::move(Move(order, now).stage(refunding).goal(refunded).reason(""));
}

Moved on_time(const Order& order, run::Time now) {
    if (now < order.expires_at) return passed_over;
    if (awaits_payment(order)) return std::move(Move(order, now).stage(releasing).goal(expired));
    if (being_paid(order)) return std::move(Move(order, now).stage(voiding).goal(expired));
    return passed_over;
}

}  // namespace

std::string_view name_of(Stage stage) { return stage_names[static_cast<std::size_t>(stage)]; }
std::string_view name_of(Happening happening) { return happening_names[static_cast<std::size_t>(happening)]; }
std::string_view name_of(Action action) { return action_names[static_cast<std::size_t>(action)]; }

std::optional<Stage> stage_named(std::string_view name) {
    const auto found = std::ranges::find(stage_names, name);
    if (found == stage_names.end()) return std::nullopt;
    return static_cast<Stage>(found - stage_names.begin());
}

std::string_view state_of(const Order& order) {
    switch (order.stage) {
        case pending:
            return "paying";
        case selling:
        case capturing:
            return "paid";
        case voiding:
        case releasing:
            return order.goal == cancelled ? "cancelling" : name_of(order.goal);  // that it ends so is certain
        case returning:
            return order.goal == refunded ? "refunding" : "cancelling";
        default:
            return name_of(order.stage);
    }
}

bool at_rest(const Order& order) { return action_of(order) == Action::none; }

Action action_of(const Order& order) {
    switch (order.stage) {
        case placing:
            return Action::reserve;
        case paying:
        case pending:
            return Action::settle;
        case selling:
            return Action::sell;
        case capturing:
            return Action::capture;
        case voiding:
            return Action::release_money;
        case releasing:
            return Action::release_vehicle;
        case refunding:
            return Action::refund;
        case returning:
            return Action::take_back;
        default:
            return Action::none;
    }
}

base::Result<std::optional<Transition>> advance(const Order& order, const Event& event, run::Time now) {
    switch (event.happening) {
        case Happening::reserved:
            return on_reserved(order, event, now);
        case Happening::reserve_refused:
            // Another try may have got it, and its answer been lost: it is let go in any case.
            if (order.stage != placing) return passed_over;
            return std::move(Move(order, now).stage(releasing).goal(rejected).reason(event.reason));
        case Happening::pay_asked:
            return on_pay(order, event, now);
        case Happening::authorized:
        case Happening::declined:
        case Happening::undecided:
            return on_payment(order, event, now);
        case Happening::sold:
        case Happening::sale_refused:
            return on_sale(order, event, now);
        case Happening::captured:
        case Happening::capture_refused:
            return on_capture(order, event, now);
        case Happening::voided:
            if (order.stage != voiding) return passed_over;
            return std::move(Move(order, now).stage(releasing));
        case Happening::released:
            return on_released(order, now);
        case Happening::money_back:
        case Happening::refund_refused:
            return on_refund(order, event, now);
        case Happening::returned:
            return on_returned(order, now);
        case Happening::cancel_asked:
            return on_cancel(order, now);
        case Happening::refund_asked:
            return on_refund_asked(order, now);
        case Happening::time_passed:
            return on_time(order, now);
    }
    return passed_over;
}

std::optional<run::Time> due_at(const Order& order, run::Time now) {
    if (awaits_payment(order)) return order.expires_at;
    if (action_of(order) == Action::none) return std::nullopt;
    if (order.stage != pending) return now;
    // The webhook comes first as a rule; asking is for when it does not.
    const run::Duration wait = std::clamp<run::Duration>((now - order.updated_at) / 2, pending_first, pending_last);
    return std::min(now + wait, std::max(order.expires_at, now));
}

}  // namespace orders
