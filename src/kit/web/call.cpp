#include "kit/web/call.h"

#include "kit/http/ascii.h"
#include "kit/web/router.h"

namespace kit {
namespace {

/// The weight that an Accept header gives to `type`; the most exact entry decides (RFC 9110, 12.5.1).
double weight(std::string_view accept, std::string_view type) {
    double best = 0;
    std::size_t exactness = 0;
    while (!accept.empty()) {
        const auto comma = accept.find(',');
        auto entry = accept.substr(0, comma);
        accept = comma == std::string_view::npos ? std::string_view{} : accept.substr(comma + 1);
        const auto first = entry.find_first_not_of(" \t");
        if (first == std::string_view::npos) continue;
        entry.remove_prefix(first);
        const auto range = entry.substr(0, entry.find_first_of("; \t"));
        const bool whole_class = range.ends_with("/*") && type.starts_with(range.substr(0, range.size() - 1));
        const std::size_t fits = range == type ? 3 : whole_class ? 2 : range == "*/*" ? 1 : 0;
        if (fits == 0 || fits < exactness) continue;
        const auto q = entry.find("q=");
        exactness = fits;
        best = q == std::string_view::npos ? 1 : std::strtod(std::string(entry.substr(q + 2)).c_str(), nullptr);
    }
    return best;
}

}  // namespace

Call::Call(Router& router, const Route* route, http::Request request, PathValues path, http::Reply reply)
    : router_(&router),
      route_(route),
      request_(std::move(request)),
      path_(std::move(path)),
      reply_(std::move(reply)),
      started_(router.clock().now()) {}

Call::~Call() {
    if (owed_.yes) problem({.status = 500, .detail = "the request was dropped without an answer", .fields = {}});
}

std::string_view Call::path(std::string_view name) const {
    for (const auto& [key, value] : path_) {
        if (key == name) return value;
    }
    return {};
}

std::optional<std::string> Call::query(std::string_view name) const {
    for (auto& [key, value] : http::parse_query(request_.query)) {
        if (key == name) return std::move(value);
    }
    return std::nullopt;
}

bool Call::wants_page() const {
    const auto accept = request_.headers.get("Accept");
    if (accept.find("text/html") == std::string_view::npos) return false;
    return weight(accept, "text/html") >= weight(accept, "application/json");
}

std::string_view Call::cookie(std::string_view name) const {
    auto rest = request_.headers.get("Cookie");
    while (!rest.empty()) {
        const auto end = rest.find(';');
        auto pair = rest.substr(0, end);
        rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
        while (pair.starts_with(' ')) pair.remove_prefix(1);
        if (pair.size() > name.size() && pair[name.size()] == '=' && pair.starts_with(name))
            return pair.substr(name.size() + 1);
    }
    return {};
}

base::Result<std::vector<std::pair<std::string, std::string>>> Call::form() const {
    if (!request_.headers.get("Content-Type").starts_with("application/x-www-form-urlencoded")) {
        return base::fail(base::Code::unsupported_media_type, "the body must be application/x-www-form-urlencoded");
    }
    return http::parse_query(request_.body);
}

void Call::answer(http::Response response) {
    base::check(owed_.yes, "a call is answered once");
    owed_.yes = false;
    router_->record(route_, request_, response.status, started_);
    std::move(*reply_).send(std::move(response));
}

void Call::fail(const base::Error& error) {
    auto told = problem_of(error);
    if (told.status == 500) router_->log().error("request failed", {{"path", request_.path}, {"error", error.message}});
    problem(told);
}

void Call::problem(const Problem& problem) {
    const auto& page = router_->problem_page();
    answer(page && wants_page() ? page(*this, problem) : problem_response(problem));
}

http::Response text_response(int status, std::string text, std::string_view type) {
    http::Response response{.status = status};
    response.headers.add("Content-Type", type);
    response.body = std::make_shared<const std::string>(std::move(text));
    return response;
}

http::Response json_response(int status, std::string json) {
    return text_response(status, std::move(json), "application/json");
}

http::Response page_response(int status, std::string html) {
    return text_response(status, std::move(html), "text/html; charset=utf-8");
}

http::Response see_other(std::string_view target) {
    http::Response response{.status = 303};
    response.headers.add("Location", target);
    return response;
}

}  // namespace kit
