#include "kit/web/events.h"

#include <fmt/format.h>

#include "kit/json_text.h"

namespace kit {
namespace {

/// "2026-01-01T00:00:00.000Z"
std::string with_milliseconds(run::Time time) {
    auto text = base::rfc3339_micro(time);
    text.replace(text.size() - 4, 4, "Z");
    return text;
}

base::Result<void> accepted(const base::Result<http::Response>& response) {
    if (!response) return std::unexpected(response.error());
    if (response->status >= 200 && response->status < 300) return {};
    return base::fail(base::Code::unavailable,
                      fmt::format("the receiver of events answered with status {}", response->status));
}

}  // namespace

db::Event make_event(std::string id, const EventDraft& draft, run::Time now) {
    std::string text;
    JsonText json(text);
    json.open('{').field("id", id).field("type", draft.type).field("time", with_milliseconds(now));
    json.field("source", draft.source).field("subject", draft.subject);
    if (!draft.user_id.empty()) json.field("user_id", draft.user_id);
    if (!draft.email.empty()) json.field("email", draft.email);
    if (!draft.traceparent.empty()) json.field("traceparent", draft.traceparent);
    json.key("data").raw(draft.data).close('}');
    return {std::move(id), draft.type, draft.subject, std::move(text)};
}

db::Deliver deliver_events(redis::Redis* redis, Peer* receiver) {
    if (redis) {
        return [redis](const db::Event& event, db::Done done) {
            redis::append(*redis, std::string(events_stream), event.json, events_stream_max,
                          [done = std::move(done)](base::Result<redis::Value> added) mutable {
                              done(added ? base::Result<void>{} : std::unexpected(std::move(added).error()));
                          });
        };
    }
    if (receiver) {
        return [receiver](const db::Event& event, db::Done done) {
            // Receivers go by the event's id, so sending it twice is harmless.
            PeerCall call{.method = "POST", .path = "/events", .body = event.json, .repeat = Repeat::safe};
            receiver->call(
                Context{}, std::move(call),
                [done = std::move(done)](base::Result<http::Response> response) mutable { done(accepted(response)); });
        };
    }
    return [](const db::Event&, db::Done done) { done({}); };
}

}  // namespace kit
