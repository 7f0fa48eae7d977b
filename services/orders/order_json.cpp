#include "orders/order_json.h"

#include <fmt/format.h>

#include "kit/json_text.h"

namespace orders {
namespace {

bool held_until_then(const Order& order) {
    return order.stage == Stage::placed || order.stage == Stage::declined || order.stage == Stage::paying ||
           order.stage == Stage::pending;
}

void time_field(kit::JsonText& json, std::string_view name, const std::optional<run::Time>& time) {
    if (time) json.field(name, base::rfc3339_micro(*time));
}

}  // namespace

void append_json(std::string& out, const Order& order) {
    kit::JsonText json(out);
    json.open('{').field("id", order.id).field("state", state_of(order)).field("user_id", order.user_id);
    json.field("email", order.email).field("vehicle_id", order.vehicle_id).field("vehicle", order.vehicle);
    if (!order.dealer_id.empty()) json.field("dealer_id", order.dealer_id);
    json.field("amount", order.amount).field("currency", order.currency);
    if (!order.payment_id.empty()) json.field("payment_id", order.payment_id);
    if (!order.reason.empty()) json.field("reason", order.reason);
    if (held_until_then(order)) json.field("expires_at", base::rfc3339_micro(order.expires_at));
    time_field(json, "paid_at", order.paid_at);
    time_field(json, "confirmed_at", order.confirmed_at);
    json.field("created_at", base::rfc3339_micro(order.created_at));
    json.field("updated_at", base::rfc3339_micro(order.updated_at)).close('}');
}

std::string json_of(const Order& order) {
    std::string text;
    append_json(text, order);
    return text;
}

std::string order_schema() {
    return R"({"type":"object","required":["id","state","vehicle_id","amount","currency","created_at","updated_at"],
        "properties":{"id":{"type":"string"},"state":{"enum":["placing","placed","paying","paid","confirmed","declined",
        "expired","cancelling","cancelled","refunding","refunded","rejected"]},"user_id":{"type":"string"},
        "email":{"type":"string"},"vehicle_id":{"type":"integer"},"vehicle":{"type":"string"},
        "dealer_id":{"type":"string"},"amount":{"type":"number"},"currency":{"type":"string"},
        "payment_id":{"type":"string"},"reason":{"type":"string"},"expires_at":{"type":"string"},
        "paid_at":{"type":"string"},"confirmed_at":{"type":"string"},"created_at":{"type":"string"},
        "updated_at":{"type":"string"}}})";
}

std::string event_data(const Order& order) {
    std::string text;
    kit::JsonText json(text);
    json.open('{').field("order_id", order.id).field("vehicle_id", order.vehicle_id).field("vehicle", order.vehicle);
    json.field("amount", order.amount).field("currency", order.currency);
    if (!order.dealer_id.empty()) json.field("dealer_id", order.dealer_id);
    if (!order.reason.empty()) json.field("reason", order.reason);
    json.close('}');
    return text;
}

std::string etag(const Order& order) { return fmt::format("\"{}\"", order.revision); }

}  // namespace orders
