#include "kit/web/router.h"

#include <algorithm>

namespace kit {
namespace {

/// "/a/b/" and "/a/b" have the same segments.
void split(std::string_view path, std::vector<std::string_view>& segments) {
    while (!path.empty()) {
        path.remove_prefix(1);
        const auto end = std::min(path.find('/'), path.size());
        if (end > 0) segments.push_back(path.substr(0, end));
        path.remove_prefix(end);
    }
}

bool is_variable(std::string_view segment) { return segment.starts_with('{'); }

bool fits(const Route& route, const std::vector<std::string_view>& segments) {
    return std::ranges::equal(route.segments, segments, [](const std::string& pattern, std::string_view segment) {
        return is_variable(pattern) || pattern == segment;
    });
}

std::optional<PathValues> values_of(const Route& route, const std::vector<std::string_view>& segments) {
    PathValues values;
    for (std::size_t at = 0; at < segments.size(); ++at) {
        const std::string_view pattern = route.segments[at];
        if (!is_variable(pattern)) continue;
        auto decoded = http::percent_decode(segments[at]);
        if (!decoded) return std::nullopt;
        values.emplace_back(pattern.substr(1, pattern.size() - 2), std::move(*decoded));
    }
    return values;
}

}  // namespace

RouteWriter& RouteWriter::query(std::string name, std::string prose, std::string schema) {
    route_.parameters.push_back({std::move(name), std::move(prose), std::move(schema)});
    return *this;
}

RouteWriter& RouteWriter::replies(int status, std::string prose, std::string schema) {
    route_.replies.push_back({status, std::move(prose), std::move(schema)});
    return *this;
}

RouteWriter Router::add(std::string method, std::string pattern) {
    std::vector<std::string_view> segments;
    split(pattern, segments);
    auto& route = routes_.emplace_back(Route{.method = std::move(method), .pattern = pattern});
    route.segments.assign(segments.begin(), segments.end());
    return RouteWriter(route);
}

void Router::serve(http::Request request, http::Reply reply) {
    const std::string_view method = request.method == "HEAD" ? "GET" : std::string_view(request.method);
    const Route* found = nullptr;
    for (const auto& route : routes_) {  // the fixed ones by one comparison
        if (route.pattern == request.path && route.method == method) found = &route;
    }
    if (found) return found->handler(Call(*this, found, std::move(request), {}, std::move(reply)));

    std::vector<std::string_view> segments;
    split(request.path, segments);
    std::string allowed;
    for (const auto& route : routes_) {
        if (!fits(route, segments)) continue;
        if (!allowed.empty()) allowed += ", ";
        allowed += route.method == "GET" ? "GET, HEAD" : route.method;
        if (!found && route.method == method) found = &route;
    }
    if (found) {
        auto values = values_of(*found, segments);
        const bool broken = !values;
        Call call(*this, found, std::move(request), std::move(values).value_or(PathValues{}), std::move(reply));
        if (broken)
            return call.problem({.status = 400, .detail = "the path has a broken percent escape", .fields = {}});
        return found->handler(std::move(call));
    }
    Call call(*this, nullptr, std::move(request), {}, std::move(reply));
    if (allowed.empty())
        return call.problem({.status = 404, .detail = "nothing is at " + call.request().path, .fields = {}});
    const bool asks = call.request().method == "OPTIONS";
    auto response =
        asks ? http::Response{.status = 204}
             : problem_response({.status = 405, .detail = "here only " + allowed + " can be done", .fields = {}});
    response.headers.add("Allow", allowed);
    call.answer(std::move(response));
}

void Router::record(const Route* route, const http::Request& request, int status, run::Time started) {
    const auto seconds = std::chrono::duration<double>(clock_.now() - started).count();
    count(route, request, status, seconds);
    const auto level = route && route->logged == Logged::when_debugging && status < 500 ? Level::debug : Level::info;
    if (!log_.wants(level)) return;
    log_.write(level, "request",
               {{"method", request.method},
                {"path", request.path},
                {"status", status},
                {"latency", seconds},
                {"ip", request.remote_address}});
}

/// Series are made when first needed: a method that nobody routed is not a series of its own.
void Router::count(const Route* given, const http::Request& request, int status, double seconds) {
    const Route& route = given ? *given : unmatched_;
    const std::string_view method = given ? std::string_view(request.method) : "any";
    const int key = request.method == "HEAD" && given ? -status : status;
    if (!route.latency) {
        route.latency =
            &metrics_.histogram("app_request_latency_seconds", "How long answers took.",
                                label("method", given ? route.method : "any") + "," + label("endpoint", route.pattern));
    }
    route.latency->observe(seconds);
    for (const auto& one : route.counts) {
        if (one.status == key) return one.counter->add();
    }
    auto& counter = metrics_.counter("app_requests_total", "Requests answered.",
                                     label("method", method) + "," + label("endpoint", route.pattern) + "," +
                                         label("status", std::to_string(status)));
    counter.add();
    route.counts.push_back({key, &counter});
}

}  // namespace kit
