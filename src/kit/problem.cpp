#include "kit/problem.h"

#include "kit/http/head.h"
#include "kit/json_text.h"

namespace kit {
namespace {

int status_of(base::Code code) {
    using enum base::Code;
    switch (code) {
        case bad_request:
            return 400;
        case unauthorized:
            return 401;
        case forbidden:
            return 403;
        case not_found:
            return 404;
        case method_not_allowed:
            return 405;
        case not_acceptable:
            return 406;
        case already_exists:
        case conflict:
            return 409;
        case expired:
            return 412;
        case too_large:
            return 413;
        case unsupported_media_type:
            return 415;
        case invalid:
            return 422;
        case too_many_requests:
            return 429;
        case unavailable:
            return 503;
        case timeout:
            return 504;
        default:
            return 500;
    }
}

}  // namespace

Problem problem_of(const base::Error& error) {
    Problem problem{.status = status_of(error.code), .detail = error.message, .fields = {}};
    if (problem.status == 500) problem.detail = "something went wrong here; it has been logged";
    if (error.details) {
        for (const auto& cause : error.details->causes) problem.fields.push_back({cause.field, cause.message});
    }
    return problem;
}

base::Error invalid_fields(std::vector<FieldProblem> fields) {
    base::Details details;
    std::string message;
    for (auto& [field, text] : fields) {
        message += (message.empty() ? "" : "; ") + field + " " + text;
        details.causes.push_back(
            {.reason = "FieldValueInvalid", .message = std::move(text), .field = std::move(field)});
    }
    return {base::Code::invalid, std::move(message), std::move(details)};
}

http::Response problem_response(const Problem& problem) {
    std::string text;
    JsonText json(text);
    json.open('{').field("type", "about:blank").field("title", http::reason_phrase(problem.status));
    json.field("status", problem.status).field("detail", problem.detail);
    if (!problem.fields.empty()) {
        json.key("errors").open('[');
        for (const auto& [field, message] : problem.fields) {
            json.open('{').field("field", field).field("message", message).close('}');
        }
        json.close(']');
    }
    json.close('}');
    http::Response response{.status = problem.status};
    response.headers.add("Content-Type", "application/problem+json");
    if (problem.status == 401) response.headers.add("WWW-Authenticate", "Bearer");
    if (problem.status == 503) response.headers.add("Retry-After", "1");
    response.body = std::make_shared<const std::string>(std::move(text));
    return response;
}

}  // namespace kit
