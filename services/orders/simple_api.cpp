#include "orders/simple_api.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "kit/auth/identity.h"
#include "kit/json_text.h"
#include "orders/order_json.h"

namespace orders {
namespace {

using kit::Call;
using kit::Decimal;
using kit::Need;

const auto amount_field = kit::DecimalField{Decimal::of_hundredths(1), Decimal::of_hundredths(99'999'999'99)};
/// The sandbox's card that is approved, for clients that know of no cards.
constexpr std::string_view standard_card = R"({"number":"4242424242424242","month":12,"year":2099})";

const kit::Shape& paid_shape() {
    static const kit::Shape shape("OrderWithPaymentInput",
                                  {{"item", "What is ordered.", Need::required, kit::TextField{1, 200}},
                                   {"quantity", "How many.", Need::optional, kit::NumberField{1, 1'000'000}},
                                   {"amount", "What it costs in all.", Need::required, amount_field},
                                   {"card", "The card; without it, one that the sandbox approves.", Need::optional,
                                    kit::ObjectField{&card_shape()}}});
    return shape;
}

void append_simple(std::string& out, const Simple& simple) {
    kit::JsonText(out)
        .open('{')
        .field("id", simple.number)
        .field("item", simple.item)
        .field("quantity", simple.quantity)
        .close('}');
}

Simple simple_of(const Call& call, const kit::Values& values) {
    return {.user_id = call.identity() ? call.identity()->user : "",
            .item = values.text("item"),
            .quantity = values.has("quantity") ? values.number("quantity") : 1};
}

/// Nobody in particular is let in only where the demo is open.
bool let_in(const Parts& parts, Call& call) {
    if (call.identity() || parts.open_demo == OpenDemo::on) return true;
    call.fail({base::Code::unauthorized, "log in first: open-demo is off here"});
    return false;
}

void answer_list(Call& call, const base::Result<std::vector<Simple>>& simples) {
    if (!simples) return call.fail(simples.error());
    std::string text = "[";
    for (const auto& simple : *simples) {
        if (text.size() > 1) text += ',';
        append_simple(text, simple);
    }
    text += ']';
    call.answer(kit::json_response(200, std::move(text)));
}

/// The order and its payment in one answer.
kit::http::Response paid_response(const Simple& simple, const Order& order) {
    const bool paid = order.stage == Stage::confirmed;
    const bool refused = order.stage == Stage::declined || order.stage == Stage::expired;
    std::string text;
    kit::JsonText json(text);
    json.open('{').key("order").open('{').field("id", simple.number).field("item", simple.item);
    json.field("quantity", simple.quantity).field("status", state_of(order)).close('}');
    json.key("payment").open('{').field("status", paid ? "success" : refused ? "declined" : "pending");
    json.field("transaction_id", order.payment_id).field("amount", order.amount).field("currency", order.currency);
    if (!order.reason.empty()) json.field("reason", order.reason);
    json.close('}').close('}');
    return kit::json_response(paid ? 201 : refused ? 402 : 202, std::move(text));
}

void pay_simple(const Parts& parts, Call call, const Order& order, std::string card) {
    auto paid = [&parts, call = std::move(call)](base::Result<Conductor::Paid> result) mutable {
        if (!result) return call.fail(result.error());
        if (result->refusal) return call.answer(std::move(*result->refusal));
        auto found = [order = result->order, call = std::move(call)](base::Result<Simple> simple) mutable {
            if (!simple) return call.fail(simple.error());
            call.answer(paid_response(*simple, order));
        };
        parts.store.simple_order(result->order.id, std::move(found));
    };
    parts.conductor.pay(order.id, {.card = std::move(card)}, std::move(paid));
}

void order_with_payment(const Parts& parts, Call call) {
    if (!let_in(parts, call)) return;
    const auto values = paid_shape().read_json(call.request().body);
    if (!values) return call.fail(values.error());
    auto card = values->has("card") ? values->text("card") : std::string(standard_card);
    const auto simple = simple_of(call, *values);
    const auto buyer = buyer_of(call);
    parts.conductor.place_simple(
        buyer, simple, values->decimal("amount"),
        [&parts, card = std::move(card), call = std::move(call)](base::Result<Order> order) mutable {
            if (!order) return call.fail(order.error());
            pay_simple(parts, std::move(call), *order, std::move(card));
        });
}

constexpr const char* paid_schema = R"({"type":"object","required":["order","payment"],"properties":{
    "order":{"type":"object","required":["id","item","quantity","status"]},"payment":{"type":"object",
    "required":["status","transaction_id","amount","currency"],"properties":{
    "status":{"enum":["success","pending","declined"]},"transaction_id":{"type":"string"},"amount":{"type":"number"},
    "currency":{"type":"string"},"reason":{"type":"string"}}}}})";

}  // namespace

const kit::Shape& simple_shape() {
    static const kit::Shape shape("SimpleOrderInput",
                                  {{"item", "What is ordered.", Need::required, kit::TextField{1, 200}},
                                   {"quantity", "How many.", Need::optional, kit::NumberField{1, 1'000'000}}});
    return shape;
}

bool is_simple_order(const Call& call) {
    boost::system::error_code error;
    const auto body = boost::json::parse(call.request().body, error);
    if (error || !body.is_object() || body.get_object().contains("vehicle_id")) return false;
    return body.get_object().contains("item") || body.get_object().contains("quantity");
}

void place_simple(const Parts& parts, Call call) {
    if (!let_in(parts, call)) return;
    const auto values = simple_shape().read_json(call.request().body);
    if (!values) return call.fail(values.error());
    const auto simple = simple_of(call, *values);
    const auto buyer = buyer_of(call);
    parts.conductor.place_simple(
        buyer, simple, std::nullopt, [&parts, call = std::move(call)](base::Result<Order> order) mutable {
            if (!order) return call.fail(order.error());
            parts.store.simple_order(order->id, [call = std::move(call)](base::Result<Simple> placed) mutable {
                if (!placed) return call.fail(placed.error());
                std::string text;
                append_simple(text, *placed);
                call.answer(kit::json_response(201, std::move(text)));
            });
        });
}

void list_simple_of_nobody(const Parts& parts, Call call) {
    if (!let_in(parts, call)) return;
    parts.store.simple_orders("", [call = std::move(call)](const base::Result<std::vector<Simple>>& found) mutable {
        answer_list(call, found);
    });
}

void list_simple_or(const Parts& parts, Call call, std::function<void(Call)> or_else) {
    const auto user = call.identity()->user;
    auto counted = [&parts, user, or_else = std::move(or_else),
                    call = std::move(call)](base::Result<std::int64_t> count) mutable {
        if (!count) return call.fail(count.error());
        if (*count > 0) return or_else(std::move(call));
        parts.store.simple_orders(user, [or_else = std::move(or_else),
                                         call = std::move(call)](base::Result<std::vector<Simple>> found) mutable {
            if (found && found->empty()) return or_else(std::move(call));
            answer_list(call, found);
        });
    };
    parts.store.count_orders(user, std::move(counted));
}

void add_simple_routes(kit::App& app, const Parts& parts) {
    app.routes()
        .post("/orders-with-payment")
        .doc("Orders an item and pays for it in one call, as small demo applications do.")
        .takes(paid_shape())
        .knows()
        .replies(201, "Both.", paid_schema)
        .replies(202, "The payment's outcome is not known yet.", paid_schema)
        .replies(402, "The payment is declined.", paid_schema)
        .calls([&parts](Call call) { order_with_payment(parts, std::move(call)); });
}

}  // namespace orders
