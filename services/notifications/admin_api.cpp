#include <fmt/format.h>

#include <algorithm>

#include "kit/auth/identity.h"
#include "kit/json_text.h"
#include "notifications/api.h"

namespace notifications {
namespace {

using kit::Call;
using kit::auth::Role;

void append_json(std::string& out, const Delivery& delivery) {
    const run::Time at{std::chrono::milliseconds(delivery.at)};
    kit::JsonText json(out);
    json.open('{').field("id", delivery.id).field("event_id", delivery.event_id).field("channel", delivery.channel);
    json.field("type", delivery.type).field("state", delivery.state).field("time", base::rfc3339_micro(at));
    json.field("attempts", delivery.attempts).field("error", delivery.problem).close('}');
}

auto with_deliveries(Call call, Page page) {
    return [call = std::move(call), page](base::Result<Deliveries> deliveries) mutable {
        if (!deliveries) return call.fail(deliveries.error());
        std::vector<std::string> items(deliveries->items.size());
        for (std::size_t at = 0; at < items.size(); ++at) append_json(items[at], deliveries->items[at]);
        call.answer(kit::page_of_items(items, deliveries->total, page));
    };
}

void preview(const Parts& parts, Call call) {
    const auto type = call.path("type");
    if (!parts.templates.knows(type)) {
        return call.fail({base::Code::not_found, fmt::format("there is no template {}", type)});
    }
    auto said = parts.templates.say(Templates::sample(type));
    const auto format = call.query("format").value_or("html");
    if (format == "text") return call.answer(kit::text_response(200, said.title + "\n\n" + said.text));
    auto page = kit::page_response(200, std::move(said.html));
    page.headers.add("Content-Security-Policy",
                     "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'");
    call.answer(std::move(page));
}

constexpr auto delivery_schema = R"({"type":"object","properties":{"id":{"type":"string"},"event_id":{"type":"string"},
    "channel":{"type":"string"},"type":{"type":"string"},"state":{"type":"string","enum":["waiting","sending","sent",
    "dead"]},"time":{"type":"string","format":"date-time"},"attempts":{"type":"integer"},
    "error":{"type":"string"}}})";

}  // namespace

void add_admin_routes(kit::App& app, Parts parts) {
    auto& routes = app.routes();
    auto dead = routes.get("/dead-letters");
    kit::paged(dead)
        .doc("Deliveries that were given up, the last first.")
        .needs({Role::admin, Role::service})
        .replies(200, "A page of them.", kit::page_schema(delivery_schema))
        .calls([parts](Call call) {
            const auto page = page_of(call);
            if (!page) return call.fail(page.error());
            parts.ledger.dead(*page, with_deliveries(std::move(call), *page));
        });
    routes.post("/dead-letters/{id}/replay")
        .doc("Sends a dead letter again.")
        .needs({Role::admin, Role::service})
        .replies(202, "It waits to be sent.",
                 R"({"type":"object","required":["status"],"properties":{"status":{"const":"waiting"}}})")
        .calls([parts](Call call) {
            const std::string id(call.path("id"));
            parts.ledger.replay(id, [parts, call = std::move(call)](base::Result<void> replayed) mutable {
                if (!replayed) return call.fail(replayed.error());
                parts.dispatcher.wake();
                call.answer(kit::json_response(202, R"({"status":"waiting"})"));
            });
        });
    routes.get("/deliveries")
        .doc("What became of an event, channel by channel.")
        .needs({Role::admin, Role::service})
        .query("event_id", "The event.")
        .replies(200, "Its deliveries.", kit::page_schema(delivery_schema))
        .calls([parts](Call call) {
            const auto event = call.query("event_id");
            if (!event || event->empty()) return call.fail(kit::invalid_fields({{"event_id", "is required"}}));
            parts.ledger.deliveries(*event, with_deliveries(std::move(call), {.page = 1, .per_page = 100}));
        });
    routes.get("/templates")
        .doc("The types of events that people are told of.")
        .needs({Role::admin})
        .replies(200, "Their names.", R"({"type":"object","properties":{"items":{"type":"array","items":
            {"type":"string"}}}})")
        .calls([parts](Call call) {
            std::string text;
            kit::JsonText json(text);
            json.open('{').key("items").open('[');
            for (const auto& type : parts.templates.types()) json.value(type);
            json.close(']').close('}');
            call.answer(kit::json_response(200, std::move(text)));
        });
    routes.get("/templates/{type}/preview")
        .doc("What people are told of a type, with made-up data: as a page, or with format=text as text.")
        .needs({Role::admin})
        .query("format", "html or text.", R"({"type":"string","enum":["html","text"],"default":"html"})")
        .replies(200, "The page or the text.")
        .calls([parts](Call call) { preview(parts, std::move(call)); });
}

}  // namespace notifications
