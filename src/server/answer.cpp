#include "server/answer.h"

#include <fmt/format.h>

#include "server/represent.h"
#include "server/status.h"
#include "server/table.h"
#include "server/yaml_text.h"

namespace server {

namespace {

/// RFC 7234 warning text: a quoted string.
std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c == '\n' || c == '\r' ? ' ' : c;
    }
    return out + '"';
}

}  // namespace

http::Headers headers_of(const Call& call, std::string_view content_type) {
    http::Headers headers;
    headers.add("Cache-Control", "no-cache, private");
    if (!content_type.empty()) headers.add("Content-Type", content_type);
    for (const auto& warning : call.warnings) headers.add("Warning", "299 - " + quoted(warning));
    return headers;
}

void send_text(Call call, int status, Text body, std::string_view content_type) {
    auto headers = headers_of(call, content_type);
    std::move(call.reply).send({status, std::move(headers), std::move(body)});
}

void send_text(Call call, int status, std::string body, std::string_view content_type) {
    send_text(std::move(call), status, std::make_shared<const std::string>(std::move(body)), content_type);
}

void send_json(Call call, int status, const json::object& body) {
    if (call.accepted.media == Media::yaml)
        return send_text(std::move(call), status, yaml_text(body), "application/yaml");
    send_text(std::move(call), status, json::serialize(body), "application/json");
}

void send_error(Call call, const base::Error& error) {
    auto headers = headers_of(call, "application/json");
    if (error.details && error.details->retry_after_s)
        headers.add("Retry-After", std::to_string(error.details->retry_after_s));
    auto body = std::make_shared<const std::string>(json::serialize(status_of(error)));
    std::move(call.reply).send({http_code(error.code), std::move(headers), std::move(body)});
}

void send_body(Call call, int status, Text body) {
    if (call.accepted.media == Media::yaml)
        return send_text(std::move(call), status, yaml_text(json::parse(*body)), "application/yaml");
    send_text(std::move(call), status, std::move(body), "application/json");
}

void send_durable(Core& core, Call call, store::Revision revision, int status, Text body) {
    if (revision <= core.store().durable()) return send_body(std::move(call), status, std::move(body));
    core.store().when_durable(revision, [call = std::move(call), status, body = std::move(body)]() mutable {
        send_body(std::move(call), status, std::move(body));
    });
}

namespace {

base::Result<Text> shown(Core& core, const Call& call, const object::Kind& kind, const object::ObjectPtr& object) {
    switch (call.accepted.form) {
        case Form::object:
            return text_as(kind, object);
        case Form::partial:
            return std::make_shared<const std::string>(partial_text(*object, call.accepted.meta_version));
        case Form::table:
            break;
    }
    auto layout = TRY(TableLayout::of(kind, call.accepted.meta_version, call.query.get("includeObject")));
    return std::make_shared<const std::string>(layout.of_one(object, core.loop.now(), Columns::shown));
}

}  // namespace

void send_object(Core& core, Call call, int status, const object::Kind& kind, const object::ObjectPtr& object) {
    auto text = shown(core, call, kind, object);
    if (!text) return send_error(std::move(call), text.error());
    send_durable(core, std::move(call), object->revision(), status, std::move(*text));
}

void send_written(Core& core, Call call, int status, const object::Kind& kind, const object::ObjectPtr& object) {
    auto text = shown(core, call, kind, object);
    if (!text) return send_error(std::move(call), text.error());
    const auto revision = core.store().revision();
    send_durable(core, std::move(call), revision, status, std::move(*text));
}

}  // namespace server
