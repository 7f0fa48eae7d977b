#include "kit/web/router.h"

#include <algorithm>
#include <span>

#include "kit/web/call_state.h"
#include "kit/web/frames.h"

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

bool is_rest(std::string_view segment) { return segment.ends_with("...}"); }

bool ends_in_rest(const Route& route) { return !route.segments.empty() && is_rest(route.segments.back()); }

bool fits(const Route& route, std::span<const std::string_view> segments) {
    std::span<const std::string> pattern = route.segments;
    if (ends_in_rest(route)) {
        pattern = pattern.first(pattern.size() - 1);
        if (segments.size() < pattern.size()) return false;
        segments = segments.first(pattern.size());
    }
    return std::ranges::equal(pattern, segments, [](const std::string& one, std::string_view segment) {
        return is_variable(one) || one == segment;
    });
}

/// What a fixed address is to a pattern with variables, that is to one with a rest, and the longer to the shorter.
bool closer(const Route& one, const Route* other) {
    if (!other) return true;
    if (ends_in_rest(one) != ends_in_rest(*other)) return !ends_in_rest(one);
    return ends_in_rest(one) && one.segments.size() > other->segments.size();
}

bool takes(const Route& route, std::string_view method) { return route.method == method || route.method == any_method; }

/// "{name}" and "{name...}" without what surrounds the name.
std::string_view name_in(std::string_view segment) {
    return segment.substr(1, segment.size() - (is_rest(segment) ? 5 : 2));
}

std::optional<PathValues> values_of(const Route& route, const std::vector<std::string_view>& segments) {
    PathValues values;
    for (std::size_t at = 0; at < route.segments.size(); ++at) {
        const std::string_view pattern = route.segments[at];
        if (!is_variable(pattern)) continue;
        std::string raw;
        const auto last = is_rest(pattern) ? segments.size() : at + 1;
        for (auto from = at; from < last; ++from) {
            if (from > at) raw += '/';
            raw += segments[from];
        }
        auto decoded = http::percent_decode(raw);
        if (!decoded) return std::nullopt;
        values.emplace_back(name_in(pattern), std::move(*decoded));
    }
    return values;
}

/// What no store could hold as text is nothing's name.
bool are_names(const PathValues& values) {
    return std::ranges::all_of(values, [](const auto& value) {
        return is_utf8(value.second) && value.second.find('\0') == std::string::npos;
    });
}

}  // namespace

RouteWriter& RouteWriter::query(std::string name, std::string prose, std::string schema) {
    route_.rules.emplace_back(name, schema);
    route_.parameters.push_back({std::move(name), std::move(prose), std::move(schema)});
    return *this;
}

RouteWriter& RouteWriter::path(std::string name, std::string prose, std::string schema) {
    route_.path_parameters.push_back({std::move(name), std::move(prose), std::move(schema)});
    return *this;
}

RouteWriter& RouteWriter::replies(int status, std::string prose, std::string schema, std::string type) {
    route_.replies.push_back({status, std::move(prose), std::move(schema), std::move(type)});
    return *this;
}

RouteWriter& RouteWriter::needs(std::initializer_list<auth::Role> roles) {
    route_.login = Login::needed;
    route_.roles = roles;
    return *this;
}

RouteWriter& RouteWriter::takes_stream(StreamedBody body) {
    route_.streamed = std::move(body);
    if (route_.limit == standard_limit) route_.limit = run::Duration::zero();
    return *this;
}

RouteWriter Router::add(std::string method, std::string pattern) {
    std::vector<std::string_view> segments;
    split(pattern, segments);
    auto& route = routes_.emplace_back(Route{.method = std::move(method), .pattern = pattern});
    route.segments.assign(segments.begin(), segments.end());
    route.fixed = std::ranges::none_of(segments, is_variable);
    return RouteWriter(route);
}

const Route* Router::find(const http::Request& request, std::vector<std::string_view>& segments,
                          std::string* allowed) const {
    const std::string_view method = request.method == "HEAD" ? "GET" : std::string_view(request.method);
    const Route* found = nullptr;
    for (const auto& route : routes_) {  // the fixed ones by one comparison
        if (route.fixed && route.pattern == request.path && takes(route, method)) found = &route;
    }
    if (found) return found;
    split(request.path, segments);
    for (const auto& route : routes_) {
        if (!fits(route, segments)) continue;
        if (allowed) {
            if (!allowed->empty()) *allowed += ", ";
            *allowed += route.method == "GET" ? "GET, HEAD" : route.method;
        }
        if (takes(route, method) && closer(route, found)) found = &route;
    }
    return found;
}

http::BodyPlan Router::plan_body(const http::Request& head, std::size_t whole_bytes_max) const {
    std::vector<std::string_view> segments;
    const auto* route = find(head, segments, nullptr);
    if (!route || !route->streamed) return {.bytes_max = whole_bytes_max};
    return {.way = http::BodyPlan::Way::streamed,
            .bytes_max = route->streamed->bytes_max,
            .silence_max = route->streamed->silence_max};
}

void Router::serve(http::Request request, http::Reply reply) {
    std::vector<std::string_view> segments;
    std::string allowed;
    if (const auto* found = find(request, segments, &allowed)) {
        auto values = values_of(*found, segments);
        const bool broken = !values;
        const bool named = broken || are_names(*values);
        Call call(*this, found, std::move(request), std::move(values).value_or(PathValues{}), std::move(reply));
        if (broken)
            return call.problem({.status = 400, .detail = "the path has a broken percent escape", .fields = {}});
        if (!named) return call.problem({.status = 404, .detail = "nothing has such a name", .fields = {}});
        return begin(std::move(call));
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

bool Router::asks_for_login() const {
    return std::ranges::any_of(routes_, [](const Route& route) { return route.login != Login::unasked; });
}

void Router::begin(Call call) {
    const auto state = call.state_;
    if (state->route->login == Login::unasked) {
        handle(std::move(call));
    } else {
        handle_login(std::move(call));
    }
    if (!state->answered) watch_limit(state);
}

void Router::handle(Call call) {
    const auto& route = *call.state_->route;
    if (const auto wrong = check_query(route.rules, call.request().query)) return call.fail(*wrong);
    route.handler(std::move(call));
}

/// What is wrong with a login matters only to routes that need one.
void Router::handle_login(Call call) {
    const bool needed = call.state_->route->login == Login::needed;
    if (!verifier_) {
        if (!needed) return handle(std::move(call));
        return call.problem({.status = 503, .detail = "logins cannot be checked here", .fields = {}});
    }
    const auto& request = call.request();
    verifier_->verify(request, [this, needed, call = std::move(call)](base::Result<auth::Identity> found) mutable {
        if (call.state_->answered) return;  // too late
        // A login that cannot be checked at this moment is not nobody's.
        const bool unchecked = !found && found.error().code == base::Code::unavailable;
        if (!found && (needed || unchecked)) return call.fail(found.error());
        if (found) call.state_->identity = std::move(*found);
        const auto& roles = call.state_->route->roles;
        const auto* who = call.identity();
        if (needed && !roles.empty() &&
            !std::ranges::any_of(roles, [&](auth::Role role) { return std::ranges::count(who->roles, role) > 0; })) {
            return call.problem({.status = 403, .detail = "this login may not do that", .fields = {}});
        }
        handle(std::move(call));
    });
}

void Router::keep_until_stop(const std::shared_ptr<LongLived>& one) {
    if (stopping_) return one->stop();
    long_lived_.push_back(one);
    if (long_lived_.size() < look_again_at_) return;
    std::erase_if(long_lived_, [](const auto& kept) { return kept.expired(); });
    look_again_at_ = std::max<std::size_t>(64, 2 * long_lived_.size());
}

std::size_t Router::long_lived() const {
    return static_cast<std::size_t>(std::ranges::count_if(long_lived_, [](const auto& one) { return !one.expired(); }));
}

void Router::stop() {
    stopping_ = true;
    for (const auto& weak : std::exchange(long_lived_, {})) {
        if (const auto one = weak.lock()) one->stop();
    }
}

void Router::watch_limit(const std::shared_ptr<Call::State>& state) {
    if (!state->route || state->route->limit <= run::Duration::zero()) return;
    state->due = due_.emplace(state->started + state->route->limit, state);
    plan_expiry();
}

/// One timer, for the earliest; answered calls leave it as it is.
void Router::plan_expiry() {
    if (due_.empty() || (expiry_ && next_expiry_ <= due_.begin()->first)) return;
    next_expiry_ = due_.begin()->first;
    expiry_ = loop_.after(std::max<run::Duration>(next_expiry_ - loop_.now(), run::Duration::zero()), [this] {
        expiry_.cancel();
        expire();
        plan_expiry();
    });
}

void Router::expire() {
    while (!due_.empty() && due_.begin()->first <= loop_.now()) {
        const auto state = due_.begin()->second;
        if (state->context) state->context->cancel();
        auto response = problem_response({.status = 504, .detail = "the answer was not ready in time", .fields = {}});
        state->take(504).send(std::move(response));
        state->late = true;
    }
}

void Router::forget_due(Call::State& state) {
    if (!state.due) return;
    due_.erase(*state.due);
    state.due.reset();
}

void Router::record(Call::State& state, int status) {
    const auto& request = state.request;
    const auto* route = state.route;
    const auto seconds = std::chrono::duration<double>(loop_.now() - state.started).count();
    count(route, request, status, seconds);
    const auto level = route && route->logged == Logged::when_debugging && status < 500 ? Level::debug : Level::info;
    if (!log_.wants(level)) return;
    const auto& trace = state.made_context().trace();
    log_.write(level, "request",
               {{"method", request.method},
                {"path", request.path},
                {"status", status},
                {"latency", seconds},
                {"ip", request.remote_address},
                {"trace_id", trace.id},
                {"span_id", trace.span}});
}

/// Series are made when first needed: a method that nobody routed is not a series of its own.
void Router::count(const Route* given, const http::Request& request, int status, double seconds) {
    const Route& route = given ? *given : unmatched_;
    const std::string_view method = given && given->method != any_method ? std::string_view(request.method) : "any";
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
