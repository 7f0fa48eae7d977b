#include "orders/partners.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "kit/auth/secrets.h"
#include "kit/json_text.h"

namespace orders {
namespace {

namespace json = boost::json;
using kit::PeerCall;
using kit::Repeat;
using kit::http::Response;

std::string_view body_of(const Response& response) {
    return response.body ? std::string_view(*response.body) : std::string_view{};
}

std::string text_at(const json::object& object, std::string_view name) {
    const auto* found = object.if_contains(name);
    return found && found->is_string() ? std::string(found->get_string()) : std::string();
}

std::optional<kit::Decimal> money_at(const json::object& object, std::string_view name) {
    const auto* found = object.if_contains(name);
    if (!found) return std::nullopt;
    if (found->is_int64()) return kit::Decimal::parse(std::to_string(found->get_int64()));
    if (found->is_double()) return kit::Decimal::from_double(found->get_double());
    return std::nullopt;
}

base::Error no_answer(std::string_view who, const Response& response) {
    return {base::Code::unavailable, fmt::format("{} answered with status {}", who, response.status)};
}

/// 4xx that will not change by asking again.
bool refused(const Response& response) {
    const bool later = response.status == 409 && response.headers.has("Retry-After");
    const bool ours = response.status == 401 || response.status == 403 || response.status == 408 ||
                      response.status == 429;  // a wrong token, a crowd: not about this order
    return response.status >= 400 && response.status < 500 && !later && !ours;
}

std::string detail_of(const Response& response, std::string otherwise) {
    boost::system::error_code error;
    const auto value = json::parse(body_of(response), error);
    if (error || !value.is_object()) return otherwise;
    const auto detail = text_at(value.get_object(), "detail");
    return detail.empty() ? otherwise : detail;
}

/// The body that payments wants of an attempt.
std::string attempt_body(const Order& order, std::string_view card) {
    std::string text;
    kit::JsonText json(text);
    json.open('{').field("order_id", order.id).field("user_id", order.user_id);
    if (!card.empty()) json.field("email", order.email);
    json.field("amount", order.amount).field("currency", order.currency);
    if (!card.empty()) json.key("card").raw(card);
    json.close('}');
    return text;
}

PeerCall safe_post(std::string path, std::string body, const std::string& key = {}) {
    PeerCall call{.method = "POST", .path = std::move(path), .body = std::move(body), .repeat = Repeat::safe};
    if (!key.empty()) call.headers.add("Idempotency-Key", key);
    return call;
}

void tell(Heard& heard, Event event) { heard(Told{std::move(event), std::nullopt}); }

/// Passes an answer on: Errors stay Errors; `read` makes a happening of it, or an Error.
template <class Read>
kit::http::Answered reading(Heard heard, Read read) {
    return [heard = std::move(heard), read = std::move(read)](base::Result<Response> response) mutable {
        if (!response) return heard(std::unexpected(std::move(response).error()));
        heard(read(*response));
    };
}

base::Result<Told> reserved(const Response& response) {
    if (response.status == 200) {
        boost::system::error_code error;
        const auto value = json::parse(body_of(response), error);
        if (error || !value.is_object()) return std::unexpected(no_answer("vehicles", response));
        const auto& vehicle = value.get_object();
        const auto price = money_at(vehicle, "price");
        if (!price) return std::unexpected(no_answer("vehicles", response));
        const auto brand = text_at(vehicle, "brand");
        return Told{Event{.happening = Happening::reserved,
                          .vehicle = fmt::format("{} {}", brand, text_at(vehicle, "model")),
                          .brand = brand,
                          .dealer_id = text_at(vehicle, "dealer_id"),
                          .amount = *price},
                    std::nullopt};
    }
    if (!refused(response)) return std::unexpected(no_answer("vehicles", response));
    const bool missing = response.status == 404;
    return Told{Event{.happening = Happening::reserve_refused, .reason = missing ? "no_such_vehicle" : "not_available"},
                std::nullopt};
}

base::Result<Told> captured(const Response& response) {
    if (response.status == 200) {
        const auto news = TRY(payment_news(body_of(response)));
        if (news.status == "captured") return Told{Event{.happening = Happening::captured}, std::nullopt};
        if (news.status == "authorized") return std::unexpected(no_answer("payments", response));
    } else if (!refused(response)) {
        return std::unexpected(no_answer("payments", response));
    }
    return Told{Event{.happening = Happening::capture_refused, .reason = "authorization_lost"}, std::nullopt};
}

base::Result<Told> money_back(const Response& response) {
    if (response.status == 200) {
        const auto news = TRY(payment_news(body_of(response)));
        if (news.status == "refunded") return Told{Event{.happening = Happening::money_back}, std::nullopt};
    } else if (!refused(response)) {
        return std::unexpected(no_answer("payments", response));
    }
    return Told{Event{.happening = Happening::refund_refused, .reason = detail_of(response, "refund refused")},
                std::nullopt};
}

std::string reservation_path(const Order& order) { return fmt::format("/vehicles/{}/reservation", order.vehicle_id); }

}  // namespace

base::Result<PaymentNews> payment_news(std::string_view text) {
    boost::system::error_code error;
    const auto value = json::parse(text, error);
    if (error || !value.is_object()) return base::fail(base::Code::bad_request, "this is no payment");
    const auto& payment = value.get_object();
    PaymentNews news{text_at(payment, "id"), text_at(payment, "order_id"), text_at(payment, "status"),
                     text_at(payment, "reason")};
    if (news.payment_id.empty() || news.status.empty()) {
        return base::fail(base::Code::bad_request, "a payment has an id and a status");
    }
    return news;
}

Event event_of(const PaymentNews& news, const std::string& attempt) {
    Event event{
        .happening = Happening::declined, .payment_id = news.payment_id, .reason = news.reason, .attempt = attempt};
    if (news.status == "pending") event.happening = Happening::undecided;
    if (news.status == "authorized" || news.status == "captured") event.happening = Happening::authorized;
    if (event.happening == Happening::declined && event.reason.empty()) event.reason = news.status;
    return event;
}

Partners::Partners(kit::Peer& vehicles, kit::Peer& payments, run::Loop& loop, run::Duration slack)
    : vehicles_(vehicles), payments_(payments), loop_(loop), slack_(slack), rng_(kit::auth::random_seed()) {}

kit::Context Partners::context_of(const Order& order) {
    return kit::Context(kit::Trace::of(order.traceparent, rng_), std::nullopt);
}

void Partners::perform(const Order& order, const std::optional<std::string>& card, Heard heard) {
    switch (action_of(order)) {
        case Action::reserve:
            return reserve(order, std::move(heard));
        case Action::settle:
            if (card) return authorize(order, *card, std::move(heard));
            return resolve(order, std::move(heard));
        case Action::sell:
            return sell(order, std::move(heard));
        case Action::capture:
            return capture(order, std::move(heard));
        case Action::release_money:
            return release_money(order, std::move(heard));
        case Action::refund:
            return refund(order, std::move(heard));
        case Action::release_vehicle:
        case Action::take_back:
            return give_back(order, std::move(heard));
        case Action::none:
            heard(base::fail(base::Code::internal, "there is nothing to do"));
    }
}

void Partners::reserve(const Order& order, Heard heard) {
    std::string body;
    kit::JsonText json(body);
    json.open('{').field("order_id", order.id);
    json.field("until", base::rfc3339_micro(std::max(order.expires_at, loop_.now()) + slack_)).close('}');
    PeerCall call{.method = "PUT", .path = reservation_path(order), .body = std::move(body)};
    vehicles_.call(context_of(order), std::move(call), reading(std::move(heard), reserved));
}

void Partners::authorize(const Order& order, const std::string& card, Heard heard) {
    auto read = [attempt = order.attempt](const Response& response) -> base::Result<Told> {
        if (response.status == 201) return Told{event_of(TRY(payment_news(body_of(response))), attempt), std::nullopt};
        if (response.status != 400 && response.status != 422) return std::unexpected(no_answer("payments", response));
        return Told{Event{.happening = Happening::declined, .reason = "invalid_card", .attempt = attempt}, response};
    };
    payments_.call(context_of(order), safe_post("/payments", attempt_body(order, card), order.attempt),
                   reading(std::move(heard), std::move(read)));
}

void Partners::resolve(const Order& order, Heard heard) {
    auto read = [attempt = order.attempt](const Response& response) -> base::Result<Told> {
        if (response.status != 200) return std::unexpected(no_answer("payments", response));
        return Told{event_of(TRY(payment_news(body_of(response))), attempt), std::nullopt};
    };
    payments_.call(context_of(order),
                   safe_post(fmt::format("/attempts/{}/resolve", order.attempt), attempt_body(order, "")),
                   reading(std::move(heard), std::move(read)));
}

void Partners::sell(const Order& order, Heard heard) {
    if (order.vehicle_id == 0) return tell(heard, {.happening = Happening::sold});
    std::string body;
    kit::JsonText(body).open('{').field("order_id", order.id).close('}');
    PeerCall call{.method = "PUT", .path = fmt::format("/vehicles/{}/sale", order.vehicle_id), .body = std::move(body)};
    auto read = [](const Response& response) -> base::Result<Told> {
        if (response.status == 200) return Told{Event{.happening = Happening::sold}, std::nullopt};
        if (!refused(response)) return std::unexpected(no_answer("vehicles", response));
        return Told{Event{.happening = Happening::sale_refused, .reason = "reservation_lost"}, std::nullopt};
    };
    vehicles_.call(context_of(order), std::move(call), reading(std::move(heard), std::move(read)));
}

void Partners::capture(const Order& order, Heard heard) {
    payments_.call(context_of(order), safe_post(fmt::format("/payments/{}/capture", order.payment_id), "{}"),
                   reading(std::move(heard), captured));
}

void Partners::release_money(const Order& order, Heard heard) {
    auto read = [](const Response& response) -> base::Result<Told> {
        if (response.status != 200) return std::unexpected(no_answer("payments", response));
        const auto news = TRY(payment_news(body_of(response)));
        const bool let_go = news.status == "voided" || news.status == "declined";
        if (!let_go) return std::unexpected(no_answer("payments", response));
        return Told{Event{.happening = Happening::voided}, std::nullopt};
    };
    payments_.call(context_of(order),
                   safe_post(fmt::format("/attempts/{}/void", order.attempt), attempt_body(order, "")),
                   reading(std::move(heard), std::move(read)));
}

void Partners::refund(const Order& order, Heard heard) {
    payments_.call(
        context_of(order),
        safe_post(fmt::format("/payments/{}/refund", order.payment_id), "{}", fmt::format("order-{}", order.id)),
        reading(std::move(heard), money_back));
}

void Partners::give_back(const Order& order, Heard heard) {
    const bool reservation = action_of(order) == Action::release_vehicle;
    Event event{.happening = reservation ? Happening::released : Happening::returned};
    if (order.vehicle_id == 0) return tell(heard, std::move(event));
    PeerCall call{
        .method = "DELETE",
        .path = fmt::format("/vehicles/{}/{}/{}", order.vehicle_id, reservation ? "reservation" : "sale", order.id)};
    auto read = [event](const Response& response) -> base::Result<Told> {
        const bool gone = response.status == 404;  // with the vehicle itself
        if (response.status / 100 != 2 && !gone) return std::unexpected(no_answer("vehicles", response));
        return Told{event, std::nullopt};
    };
    vehicles_.call(context_of(order), std::move(call), reading(std::move(heard), std::move(read)));
}

}  // namespace orders
