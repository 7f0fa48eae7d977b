#include "orders/api.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "kit/auth/identity.h"
#include "kit/auth/signing.h"
#include "kit/json_text.h"
#include "kit/web/shape.h"
#include "orders/order_json.h"
#include "orders/simple_api.h"
#include "orders/stats.h"

namespace orders {
namespace {

using kit::Call;
using kit::Need;
using kit::auth::Role;

const kit::Shape& order_shape() {
    static const kit::Shape shape(
        "OrderInput", {{"vehicle_id", "The vehicle.", Need::required, kit::NumberField{1, 9'000'000'000'000'000}}});
    return shape;
}

const kit::Shape& payment_shape() {
    static const kit::Shape shape("OrderPaymentInput",
                                  {{"card", "The card.", Need::required, kit::ObjectField{&card_shape()}}});
    return shape;
}

base::Result<std::string> key_of(const Call& call) {
    std::string key(call.request().headers.get("Idempotency-Key"));
    if (key.size() <= kit::db::idempotency_key_max) return key;
    return std::unexpected(kit::invalid_fields(
        {{"Idempotency-Key", fmt::format("must have at most {} characters", kit::db::idempotency_key_max)}}));
}

base::Error no_order(std::string_view id) { return {base::Code::not_found, fmt::format("there is no order {}", id)}; }

bool may_see(const kit::auth::Identity& who, const Order& order) {
    return who.may_act_for(order.user_id) || (who.has(Role::dealer) && who.user == order.dealer_id);
}

/// Finds the order in the path for who may see it; for others there is none.
template <class Then>
void with_order(const Parts& parts, Call call, Then then) {
    const std::string id(call.path("id"));
    parts.store.find(id, [id, then = std::move(then), call = std::move(call)](base::Result<Order> order) mutable {
        if (!order) return call.fail(order.error());
        if (!may_see(*call.identity(), *order)) return call.fail(no_order(id));
        then(std::move(call), std::move(*order));
    });
}

/// The same for who may act for the buyer.
template <class Then>
void with_own_order(const Parts& parts, Call call, Then then) {
    with_order(parts, std::move(call), [then = std::move(then)](Call own, Order order) mutable {
        if (!own.identity()->may_act_for(order.user_id)) {
            return own.fail({base::Code::forbidden, "only who placed an order may do that"});
        }
        then(std::move(own), std::move(order));
    });
}

void place(const Parts& parts, Call call) {
    if (is_simple_order(call)) return place_simple(parts, std::move(call));
    if (!call.identity()) return call.fail({base::Code::unauthorized, "log in first"});
    const auto values = order_shape().read_json(call.request().body);
    if (!values) return call.fail(values.error());
    const auto key = key_of(call);
    if (!key) return call.fail(key.error());
    const auto buyer = buyer_of(call);
    parts.conductor.place(buyer, values->number("vehicle_id"), *key,
                          [call = std::move(call)](base::Result<kit::http::Response> response) mutable {
                              if (!response) return call.fail(response.error());
                              call.answer(std::move(*response));
                          });
}

void pay(const Parts& parts, Call call) {
    const auto values = payment_shape().read_json(call.request().body);
    if (!values) return call.fail(values.error());
    const auto key = key_of(call);
    if (!key) return call.fail(key.error());
    auto card = values->text("card");
    with_own_order(parts, std::move(call), [&parts, card = std::move(card), key = *key](Call own, const Order& order) {
        auto paid = [call = std::move(own)](base::Result<Conductor::Paid> result) mutable {
            if (result && result->refusal) return call.answer(std::move(*result->refusal));
            if (!result) return call.fail(result.error());
            answer_order(call, 202, result->order);
        };
        parts.conductor.pay(order.id, {.card = card, .key = key}, std::move(paid));
    });
}

void ask(const Parts& parts, Call call, Happening what) {
    with_own_order(parts, std::move(call), [&parts, what](Call own, const Order& order) {
        parts.conductor.ask(order.id, what, [call = std::move(own)](const base::Result<Order>& asked) mutable {
            answer_order(call, 202, asked);
        });
    });
}

/// Whose orders are wished, and whether the caller may have them.
base::Result<Filter> filter_of(const Call& call) {
    const auto& who = *call.identity();
    Filter filter;
    std::vector<kit::FieldProblem> problems;
    filter.paging = kit::paging_of(call, problems);
    filter.state = call.query("state").value_or("");
    if (!filter.state.empty() && filter.state != "paid" && !stage_named(filter.state)) {
        problems.push_back({"state", "must be a state like placed or confirmed"});
    }
    const auto dealer = call.query("dealer").value_or("");
    const auto user = call.query("user").value_or("");
    if (user.size() > 64 || dealer.size() > 64) problems.push_back({"user", "must have at most 64 characters"});
    if (!problems.empty()) return std::unexpected(kit::invalid_fields(std::move(problems)));
    const bool all = who.has(Role::admin) || who.has(Role::service);
    if (!dealer.empty()) {
        filter.dealer_id = dealer == "me" ? who.user : dealer;
        if (!all && (filter.dealer_id != who.user || !who.has(Role::dealer))) {
            return base::fail(base::Code::forbidden, "only a dealer sees the sales of a dealer");
        }
        return filter;
    }
    filter.user_id = user.empty() || user == "me" ? who.user : user;
    if (user == "all") filter.user_id.clear();
    if (who.has(Role::service) && user.empty()) filter.user_id.clear();
    if (!all && filter.user_id != who.user) return base::fail(base::Code::forbidden, "these are another's orders");
    return filter;
}

void list_page(const Parts& parts, Call call) {
    const auto filter = filter_of(call);
    if (!filter) return call.fail(filter.error());
    parts.store.list(*filter, [filter = *filter, call = std::move(call)](base::Result<OrderStore::Page> page) mutable {
        if (!page) return call.fail(page.error());
        std::vector<std::string> items;
        for (const auto& order : page->items) items.push_back(json_of(order));
        call.answer(kit::page_of_items(items, page->total, filter.paging));
    });
}

void list(const Parts& parts, Call call) {
    if (!call.identity()) return list_simple_of_nobody(parts, std::move(call));
    const bool plain = call.request().query.empty();
    if (!plain || call.identity()->has(Role::service)) return list_page(parts, std::move(call));
    list_simple_or(parts, std::move(call), [&parts](Call own) { list_page(parts, std::move(own)); });
}

void history(const Parts& parts, Call call) {
    with_order(parts, std::move(call), [&parts](Call own, const Order& order) {
        auto answer = [call = std::move(own)](base::Result<std::vector<HistoryStep>> steps) mutable {
            if (!steps) return call.fail(steps.error());
            std::string text;
            std::string last;
            kit::JsonText json(text);
            json.open('{').key("items").open('[');
            for (const auto& step : *steps) {
                if (step.state == last) continue;  // a step within the same state
                last = step.state;
                json.open('{').field("state", step.state).field("time", base::rfc3339_micro(step.time));
                if (!step.reason.empty()) json.field("note", step.reason);
                json.close('}');
            }
            json.close(']').close('}');
            call.answer(kit::json_response(200, std::move(text)));
        };
        parts.store.history(order.id, std::move(answer));
    });
}

/// 204 also for what concerns no order of ours: it will not change by being told again.
void hear(const Parts& parts, Call call, run::Time now) {
    const auto& request = call.request();
    if (parts.webhook_secret.empty()) {
        return call.problem({.status = 503, .detail = "no webhook secret is set here", .fields = {}});
    }
    const auto signature = request.headers.get(kit::auth::webhook_header);
    if (auto signed_well = kit::auth::check_webhook(parts.webhook_secret, signature, request.body, now); !signed_well) {
        return call.fail(signed_well.error());
    }
    boost::system::error_code error;
    const auto body = boost::json::parse(request.body, error);
    const auto* payment = error || !body.is_object() ? nullptr : body.get_object().if_contains("payment");
    if (!payment) return call.fail({base::Code::bad_request, "this is no webhook of payments"});
    const auto news = payment_news(boost::json::serialize(*payment));
    if (!news) return call.fail(news.error());
    parts.conductor.hear(*news, [call = std::move(call)](base::Result<void> heard) mutable {
        if (!heard) return call.fail(heard.error());
        call.answer({.status = 204});
    });
}

std::string list_schema() {
    return fmt::format(R"({{"anyOf":[{},{{"type":"array","items":{}}}]}})", kit::page_schema(order_schema()),
                       simple_schema);
}

void add_reading(kit::Router& routes, const Parts& parts) {
    auto all = routes.get("/orders");
    kit::paged(all)
        .doc(
            "Lists orders, newest first: one's own, a dealer's sales, or for admins anybody's. Orders of an item and a "
            "quantity are answered as an array to who has no others (and, where open-demo is on, to who is not logged "
            "in).")
        .knows()
        .query("user", "For admins: whose; `all` for everybody's.")
        .query("dealer", "`me`: the sales of one's own vehicles.")
        .query("state", "Only those in that state.")
        .replies(200, "A page of orders.", list_schema())
        .calls([&parts](Call call) { list(parts, std::move(call)); });
    routes.get("/orders/{id}")
        .doc("Shows an order.")
        .needs_login()
        .replies(200, "The order.", order_schema())
        .calls([&parts](Call call) {
            with_order(parts, std::move(call), [](Call own, const Order& order) { answer_order(own, 200, order); });
        });
    routes.get("/orders/{id}/history")
        .doc("The states that an order has gone through, oldest first.")
        .needs_login()
        .replies(
            200, "The states, with their times.",
            R"({"type":"object","required":["items"],"properties":{"items":{"type":"array","items":{"type":"object",
                 "required":["state","time"],"properties":{"state":{"type":"string"},
                 "time":{"type":"string","format":"date-time"},"note":{"type":"string"}}}}}})")
        .calls([&parts](Call call) { history(parts, std::move(call)); });
    routes.get("/orders/{id}/events")
        .doc("Follows an order by server-sent events: `order` with the order, now and after each change.")
        .needs_login()
        .replies_text(200, "The stream.", "text/event-stream")
        .calls([&parts](Call call) {
            with_order(parts, std::move(call),
                       [&parts](Call own, const Order& order) { parts.followers.follow(std::move(own), order); });
        });
}

void add_acting(kit::App& app, const Parts& parts) {
    auto& routes = app.routes();
    routes.post("/orders")
        .doc(
            "Orders a vehicle and holds it until it is paid or `order-ttl` is over. With an Idempotency-Key the same "
            "request again gets the same answer. A body with `item` and `quantity` is taken too.")
        .takes(order_shape())
        .or_takes(simple_shape())
        .knows()
        .replies(201, "The order, with its address in Location.",
                 fmt::format(R"({{"anyOf":[{},{}]}})", order_schema(), simple_schema))
        .replies(409, "The vehicle is not available; or, with Retry-After, the same request is being done.")
        .calls([&parts](Call call) { place(parts, std::move(call)); });
    routes.post("/orders/{id}/payment")
        .doc("Pays an order by card. Follow it by GET or by its events.")
        .takes(payment_shape())
        .needs_login()
        .replies(202, "The order as it is now.", order_schema())
        .replies(409, "It cannot be paid in its state.")
        .calls([&parts](Call call) { pay(parts, std::move(call)); });
    routes.post("/orders/{id}/cancel")
        .doc("Gives up an order that is not paid.")
        .needs_login()
        .replies(202, "The order as it is now.", order_schema())
        .replies(409, "It cannot be cancelled in its state.")
        .calls([&parts](Call call) { ask(parts, std::move(call), Happening::cancel_asked); });
    routes.post("/orders/{id}/refund")
        .doc("Gives a confirmed order back: the money to the buyer, the vehicle to the catalogue.")
        .needs_login()
        .replies(202, "The order as it is now.", order_schema())
        .replies(409, "It cannot be refunded in its state.")
        .calls([&parts](Call call) { ask(parts, std::move(call), Happening::refund_asked); });
    routes.post("/webhooks/payments")
        .doc("What payments tells of payments that were pending; signed (Slipway-Signature).")
        .replies(204, "It is noted.")
        .replies(401, "The signature is not that of our payments.")
        .calls([&parts, &loop = app.loop()](Call call) { hear(parts, std::move(call), loop.now()); });
}

}  // namespace

const kit::Shape& card_shape() {
    static const kit::Shape shape(
        "Card", {{"number", "Its digits; spaces and dashes are passed over.", Need::required, kit::TextField{12, 23}},
                 {"month", "The month in which it ends.", Need::required, kit::NumberField{1, 12}},
                 {"year", "The year in which it ends, with four digits.", Need::required, kit::NumberField{2000, 2100}},
                 {"cvc", "Its check code.", Need::optional, kit::TextField{3, 4}},
                 {"holder", "The name on it.", Need::optional, kit::TextField{0, 120}}});
    return shape;
}

void answer_order(Call& call, int status, const base::Result<Order>& order) {
    if (!order) return call.fail(order.error());
    auto response = kit::json_response(status, json_of(*order));
    response.headers.add("ETag", etag(*order));
    call.answer(std::move(response));
}

Buyer buyer_of(const Call& call) {
    const auto* who = call.identity();
    return {who ? who->user : "", who ? who->email : "", call.context().trace().traceparent()};
}

void add_routes(kit::App& app, const Parts& given) {
    const auto& parts = app.own<Parts>(given);
    add_stats(app, parts.store);  // before /orders/{id}
    add_reading(app.routes(), parts);
    add_acting(app, parts);
    add_simple_routes(app, parts);
}

}  // namespace orders
