#include "notifications/api.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "kit/auth/identity.h"
#include "kit/auth/secrets.h"
#include "kit/json_text.h"
#include "kit/mail/message.h"
#include "kit/web/shape.h"
#include "kit/whole.h"

namespace notifications {
namespace {

using kit::Call;
using kit::auth::Role;

const kit::Shape& message_shape() {
    using kit::Need;
    using kit::TextField;
    const TextField whom_field{.length_min = 1, .length_max = 200, .numbers = kit::Numbers::taken_as_text};
    static const kit::Shape shape =
        kit::Shape("Message",
                   {{"to", "Whom to tell: a user's name or id, or a mail address.", Need::optional, whom_field},
                    {"user", "The same under its other name.", Need::optional, whom_field},
                    {"subject", "What it is about.", Need::optional, TextField{0, 200}},
                    {"message", "What to say.", Need::required, TextField{1, 4000}}})
            .one_of({"to", "user"});
    return shape;
}

void take_events(const Parts& parts, Call call) {
    auto events = events_of(call.request().body);
    if (!events) return call.fail(events.error());
    parts.intake.take(std::move(*events), [call = std::move(call)](base::Result<Taken> taken) mutable {
        if (!taken) return call.fail(taken.error());
        call.answer(
            kit::json_response(202, fmt::format(R"({{"added":{},"repeated":{}}})", taken->added, taken->repeated)));
    });
}

/// A message as an event of its own. Mail goes out only for who is known to us: nobody may send mail through here.
void notify(const Parts& parts, Call call) {
    const auto values = message_shape().read_json(call.request().body);
    if (!values) return call.fail(values.error());
    const auto to = values->has("to") ? values->text("to") : values->text("user");
    const bool trusted = call.identity() != nullptr;
    Event event{.id = kit::auth::random_uuid(), .type = "message", .subject = "message", .user_id = to};
    if (trusted && kit::mail::address_of(to)) event.email = to;
    event.data = {{"message", values->text("message")}, {"about", values->text("subject")}};
    const boost::json::object kept{{"id", event.id},           {"type", event.type},   {"subject", event.subject},
                                   {"user_id", event.user_id}, {"email", event.email}, {"data", event.data}};
    event.body = boost::json::serialize(kept);
    std::string text;
    kit::JsonText json(text);
    json.open('{').field("status", "sent").field("id", event.id).field("to", to);
    json.field("message", values->text("message")).close('}');
    std::vector<Event> one;
    one.push_back(std::move(event));
    parts.intake.take(std::move(one),
                      [call = std::move(call), text = std::move(text)](base::Result<Taken> taken) mutable {
                          if (!taken) return call.fail(taken.error());
                          call.answer(kit::json_response(200, std::move(text)));
                      });
}

void answer_notices(Call call, const Page& page, const Notices& notices) {
    std::string text;
    kit::JsonText json(text);
    json.open('{').key("items").open('[');
    for (const auto& notice : notices.items) {
        json.raw("");
        append_json(text, notice);
    }
    json.close(']').field("total", notices.total).field("page", page.page).field("per_page", page.per_page);
    json.field("pages", (notices.total + page.per_page - 1) / page.per_page);
    json.field("unread", notices.unread).close('}');
    call.answer(kit::json_response(200, std::move(text)));
}

void list_since(const Parts& parts, Call call, std::string_view since) {
    const auto number = kit::whole(since);
    if (!number || *number < 0) return call.fail(kit::invalid_fields({{"since", "must be a notification's number"}}));
    std::string user = call.identity()->user;
    parts.ledger.notices_since(std::move(user), *number,
                               [call = std::move(call)](base::Result<std::vector<Notice>> notices) mutable {
                                   if (!notices) return call.fail(notices.error());
                                   const auto count = static_cast<std::int64_t>(notices->size());
                                   Notices all{.items = std::move(*notices), .total = count, .unread = 0};
                                   for (const auto& notice : all.items) all.unread += notice.read ? 0 : 1;
                                   answer_notices(std::move(call), {.page = 1, .per_page = 100}, all);
                               });
}

void list(const Parts& parts, Call call) {
    if (const auto since = call.query("since"); since && !since->empty()) {
        return list_since(parts, std::move(call), *since);
    }
    const auto page = page_of(call);
    if (!page) return call.fail(page.error());
    std::string user = call.identity()->user;
    parts.ledger.notices(std::move(user), *page,
                         [call = std::move(call), page = *page](base::Result<Notices> notices) mutable {
                             if (!notices) return call.fail(notices.error());
                             answer_notices(std::move(call), page, *notices);
                         });
}

void mark_read(const Parts& parts, std::string id, Call call) {
    std::string user = call.identity()->user;
    parts.ledger.mark_read(std::move(user), std::move(id), [call = std::move(call)](base::Result<void> done) mutable {
        done ? call.answer({.status = 204}) : call.fail(done.error());
    });
}

void stream(const Parts& parts, run::Loop& loop, Call call) {
    if (parts.feed.full()) return call.fail({base::Code::unavailable, "too many streams are open"});
    const auto last = call.request().headers.get("Last-Event-ID");
    const auto since = kit::whole(last.empty() ? call.query("since").value_or("0") : std::string(last));
    std::string user = call.identity()->user;
    if (auto events = kit::start_events(std::move(call), loop)) {
        parts.feed.open(std::move(events), std::move(user), since.value_or(0));
    }
}

constexpr auto notice_schema = R"({"type":"object","required":["id","number","type","time","title","text","read"],
    "properties":{"id":{"type":"string"},"number":{"type":"integer"},"type":{"type":"string"},
    "subject":{"type":"string"},"time":{"type":"string","format":"date-time"},"title":{"type":"string"},
    "text":{"type":"string"},"read":{"type":"boolean"}}})";

void add_user_routes(kit::App& app, Parts parts) {
    auto& routes = app.routes();
    auto own = routes.get("/notifications");
    kit::paged(own)
        .doc("One's own notifications, newest first; with since: those after that number, oldest first.")
        .needs_login()
        .query("since", "A notification's number.", R"({"type":"integer","minimum":0})")
        .replies(200, "A page of them, and how many are unread.",
                 fmt::format(R"({{"type":"object","required":["items","total","unread"],"properties":{{"items":
                 {{"type":"array","items":{}}},"total":{{"type":"integer"}},"page":{{"type":"integer"}},
                 "per_page":{{"type":"integer"}},"pages":{{"type":"integer"}},"unread":{{"type":"integer"}}}}}})",
                             notice_schema))
        .calls([parts](Call call) { list(parts, std::move(call)); });
    routes.get("/notifications/events")
        .doc("One's own notifications as they come (server-sent events called notification, their number as id).")
        .needs_login()
        .within({})
        .query("since", "Begins after that number.", R"({"type":"integer","minimum":0})")
        .replies_text(200, "The stream.", "text/event-stream")
        .calls([parts, &app](Call call) { stream(parts, app.loop(), std::move(call)); });
    routes.post("/notifications/read")
        .doc("Marks all of one's notifications as read.")
        .needs_login()
        .replies(204, "They are.")
        .calls([parts](Call call) { mark_read(parts, "", std::move(call)); });
    routes.post("/notifications/{id}/read")
        .doc("Marks one as read.")
        .needs_login()
        .replies(204, "It is.")
        .calls([parts](Call call) {
            std::string id(call.path("id"));
            mark_read(parts, std::move(id), std::move(call));
        });
}

}  // namespace

base::Result<Page> page_of(const Call& call) {
    std::vector<kit::FieldProblem> problems;
    const auto page = kit::paging_of(call, problems);
    if (!problems.empty()) return std::unexpected(kit::invalid_fields(std::move(problems)));
    return page;
}

void add_routes(kit::App& app, Parts parts, OpenDemo open_demo) {
    auto& routes = app.routes();
    routes.post("/events")
        .doc("Takes an event, or {\"events\": [...]}; those that are known by their id change nothing.")
        .needs({Role::service})
        .replies(202, "They are kept.",
                 R"({"type":"object","properties":{"added":{"type":"integer"},"repeated":{"type":"integer"}}})")
        .calls([parts](Call call) { take_events(parts, std::move(call)); });
    auto message = routes.post("/notify");
    message.doc("Tells somebody something, as clients of small demo applications ask for it.")
        .takes(message_shape())
        .replies(200, "It is on its way.",
                 R"({"type":"object","required":["status"],"properties":{"status":{"type":"string"},
                 "id":{"type":"string"},"to":{"type":"string"},"message":{"type":"string"}}})");
    open_demo == OpenDemo::on ? message.knows() : message.needs({Role::service, Role::admin});
    message.calls([parts](Call call) { notify(parts, std::move(call)); });
    add_user_routes(app, parts);
    add_admin_routes(app, parts);
}

}  // namespace notifications
