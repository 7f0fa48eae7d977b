#include "notifications/event.h"

#include <fmt/format.h>

#include <boost/json.hpp>

namespace notifications {
namespace {

namespace json = boost::json;

constexpr std::size_t word_max = 200;
constexpr std::size_t body_max = 64 * 1024;

base::Error wrong(std::string_view what) { return {base::Code::invalid, fmt::format("an event's {}", what)}; }

/// Text of at most `word_max` bytes without control characters; "" when it is absent.
base::Result<std::string> word(const json::object& from, std::string_view name) {
    const auto* value = from.if_contains(name);
    if (!value || value->is_null()) return std::string();
    if (!value->is_string()) return std::unexpected(wrong(fmt::format("{} must be text", name)));
    std::string text(value->get_string());
    for (const unsigned char c : text) {
        if (c < 0x20 || c == 0x7f) return std::unexpected(wrong(fmt::format("{} holds control characters", name)));
    }
    if (text.size() > word_max) return std::unexpected(wrong(fmt::format("{} is too long", name)));
    return text;
}

base::Result<Event> event_in(const json::value& value) {
    if (!value.is_object()) return std::unexpected(wrong("JSON must be an object"));
    const auto& from = value.get_object();
    Event event;
    event.id = TRY(word(from, "id"));
    event.type = TRY(word(from, "type"));
    event.time = TRY(word(from, "time"));
    event.subject = TRY(word(from, "subject"));
    event.user_id = TRY(word(from, "user_id"));
    event.email = TRY(word(from, "email"));
    if (event.id.empty() || event.type.empty()) return std::unexpected(wrong("id and type are required"));
    if (const auto* data = from.if_contains("data"); data && data->is_object()) event.data = data->get_object();
    event.body = json::serialize(value);
    if (event.body.size() > body_max) return std::unexpected(wrong("JSON is too large"));
    return event;
}

base::Result<json::value> parsed(std::string_view text) {
    boost::system::error_code error;
    auto value = json::parse({text.data(), text.size()}, error);
    if (error) return base::fail(base::Code::bad_request, fmt::format("this is not JSON: {}", error.message()));
    return value;
}

}  // namespace

base::Result<Event> event_of(std::string_view text) { return event_in(TRY(parsed(text))); }

base::Result<std::vector<Event>> events_of(std::string_view text) {
    const auto value = TRY(parsed(text));
    std::vector<Event> events;
    const auto* list = value.is_object() ? value.get_object().if_contains("events") : nullptr;
    if (!list) {
        events.push_back(TRY(event_in(value)));
        return events;
    }
    if (!list->is_array()) return base::fail(base::Code::invalid, "events must be a list");
    if (list->get_array().size() > events_max) {
        return base::fail(base::Code::invalid, fmt::format("there may be at most {} events", events_max));
    }
    for (const auto& one : list->get_array()) events.push_back(TRY(event_in(one)));
    return events;
}

}  // namespace notifications
