#include "server/status.h"

#include <fmt/format.h>

namespace server {

using base::Code;
using base::Error;

namespace {

struct Meaning {
    int http;
    std::string_view reason;
};

Meaning meaning(Code code) {
    switch (code) {
        case Code::bad_request:
            return {400, "BadRequest"};
        case Code::unauthorized:
            return {401, "Unauthorized"};
        case Code::forbidden:
            return {403, "Forbidden"};
        case Code::not_found:
            return {404, "NotFound"};
        case Code::method_not_allowed:
            return {405, "MethodNotAllowed"};
        case Code::not_acceptable:
            return {406, "NotAcceptable"};
        case Code::already_exists:
            return {409, "AlreadyExists"};
        case Code::conflict:
            return {409, "Conflict"};
        case Code::expired:
            return {410, "Expired"};
        case Code::too_large:
            return {413, "RequestEntityTooLarge"};
        case Code::unsupported_media_type:
            return {415, "UnsupportedMediaType"};
        case Code::invalid:
            return {422, "Invalid"};
        case Code::too_many_requests:
            return {429, "TooManyRequests"};
        case Code::internal:
            return {500, "InternalError"};
        case Code::unavailable:
            return {503, "ServiceUnavailable"};
        case Code::timeout:
            return {504, "Timeout"};
        case Code::unspecified:
            return {500, ""};
    }
    return {500, "InternalError"};
}

void put(json::object& into, std::string_view key, std::string_view value) {
    if (!value.empty()) into[key] = value;
}

json::object details_of(const base::Details& details) {
    json::object out;
    put(out, "name", details.name);
    put(out, "group", details.group);
    put(out, "kind", details.kind);
    put(out, "uid", details.uid);
    if (!details.causes.empty()) {
        auto& causes = out["causes"].emplace_array();
        for (const auto& cause : details.causes) {
            json::object said;
            put(said, "reason", cause.reason);
            put(said, "message", cause.message);
            put(said, "field", cause.field);
            causes.push_back(std::move(said));
        }
    }
    if (details.retry_after_s) out["retryAfterSeconds"] = details.retry_after_s;
    return out;
}

json::object status(std::string_view outcome) {
    return {{"kind", "Status"}, {"apiVersion", "v1"}, {"metadata", json::object()}, {"status", outcome}};
}

}  // namespace

int http_code(Code code) { return meaning(code).http; }

json::object status_of(const Error& error) {
    const auto [http, reason] = meaning(error.code);
    auto out = status("Failure");
    put(out, "message", error.message);
    put(out, "reason", reason);
    if (error.details) out["details"] = details_of(*error.details);
    out["code"] = http;
    return out;
}

json::object success(const base::Details* details, int code) {
    auto out = status("Success");
    if (details) out["details"] = details_of(*details);
    if (code) out["code"] = code;
    return out;
}

Error unknown_resource() {
    return {Code::not_found, "the server could not find the requested resource", base::Details{}};
}

Error method_not_allowed() {
    return {Code::method_not_allowed, "the server does not allow this method on the requested resource",
            base::Details{}};
}

Error invalid_options(std::string_view kind, std::vector<base::Cause> causes) {
    std::string text;
    for (const auto& cause : causes)
        text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", cause.field, cause.message);
    if (causes.size() > 1) text = "[" + text + "]";
    return {Code::invalid, fmt::format("{}.meta.k8s.io \"\" is invalid: {}", kind, text),
            base::Details{.group = "meta.k8s.io", .kind = std::string(kind), .causes = std::move(causes)}};
}

Error too_large_version(std::int64_t wanted, std::int64_t current) {
    return {
        Code::timeout, fmt::format("Too large resource version: {}, current: {}", wanted, current),
        base::Details{.causes = {{"ResourceVersionTooLarge", "Too large resource version", ""}}, .retry_after_s = 1}};
}

}  // namespace server
