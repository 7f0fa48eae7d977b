#include "kit/web/call.h"

#include <algorithm>
#include <charconv>
#include <chrono>

#include "kit/auth/cookies.h"
#include "kit/http/ascii.h"
#include "kit/http/incoming.h"
#include "kit/web/call_state.h"
#include "kit/web/gzip.h"
#include "kit/web/peer.h"

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
    : state_(std::make_shared<State>(State{.router = router,
                                           .route = route,
                                           .request = std::move(request),
                                           .path = std::move(path),
                                           .reply = std::move(reply),
                                           .started = router.loop().now()})) {}

Call::~Call() {
    if (state_ && !state_->answered)
        problem({.status = 500, .detail = "the request was dropped without an answer", .fields = {}});
}

/// The span is this service's part of the trace. Work for a client that went away may be given up.
/// How long the caller waits, if it says so (Peer does): it can only shorten our own limit.
static std::optional<run::Duration> callers_time(const http::Headers& headers) {
    constexpr std::int64_t most_ms = 24LL * 3600 * 1000;
    const auto text = headers.get(time_left_header);
    std::int64_t ms = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), ms);
    if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
    if (ms < 0 || ms > most_ms) return std::nullopt;
    return std::chrono::milliseconds(ms);
}

const Context& Call::State::made_context() {
    if (!context) {
        std::optional<run::Time> due_at;
        if (route && route->limit > run::Duration::zero()) due_at = started + route->limit;
        if (const auto left = callers_time(request.headers)) {
            due_at = std::min(due_at.value_or(run::Time::max()), started + *left);
        }
        context.emplace(Trace::of(request.headers.get("traceparent"), router.rng()), due_at);
    }
    return *context;
}

void Call::State::watch(const std::shared_ptr<State>& state) {
    if (state->answered || std::exchange(state->watched, true)) return;
    state->reply->on_close([weak = std::weak_ptr(state)] {
        const auto state = weak.lock();
        if (!state) return;
        if (state->context) state->context->cancel();
        for (auto& callback : std::exchange(state->gone, {})) callback();
    });
}

http::Reply Call::State::take(int status) {
    answered = true;
    router.forget_due(*this);
    router.record(*this, status);
    gone.clear();
    auto taken = std::move(*reply);
    reply.reset();
    return taken;
}

Router& Call::router() const { return state_->router; }

const http::Request& Call::request() const { return state_->request; }

http::Body& Call::body() {
    auto& stream = state_->request.stream;
    if (!stream) stream = http::empty_body();  // a request without a body
    return *stream;
}

const Context& Call::context() const {
    const auto& context = state_->made_context();
    State::watch(state_);
    return context;
}

const auth::Identity* Call::identity() const { return state_->identity ? &*state_->identity : nullptr; }

void Call::on_gone(run::Callback gone) {
    if (state_->answered) return;
    state_->gone.push_back(std::move(gone));
    State::watch(state_);
}

std::string_view Call::path(std::string_view name) const {
    for (const auto& [key, value] : state_->path) {
        if (key == name) return value;
    }
    return {};
}

std::optional<std::string> Call::query(std::string_view name) const {
    for (auto& [key, value] : http::parse_query(state_->request.query)) {
        if (key == name) return std::move(value);
    }
    return std::nullopt;
}

bool Call::wants_page() const {
    const auto accept = state_->request.headers.get("Accept");
    if (accept.find("text/html") == std::string_view::npos) return false;
    return weight(accept, "text/html") >= weight(accept, "application/json");
}

std::string_view Call::cookie(std::string_view name) const { return auth::cookie_in(state_->request, name); }

base::Result<std::vector<std::pair<std::string, std::string>>> Call::form() const {
    if (!state_->request.headers.get("Content-Type").starts_with("application/x-www-form-urlencoded")) {
        return base::fail(base::Code::unsupported_media_type, "the body must be application/x-www-form-urlencoded");
    }
    return http::parse_query(state_->request.body);
}

void Call::answer(http::Response response) {
    if (std::exchange(state_->late, false)) return;
    base::check(!state_->answered, "a call is answered once");
    if (response.body) compress(response, state_->request.headers.get("Accept-Encoding"));
    state_->take(response.status).send(std::move(response));
}

void Call::fail(const base::Error& error) {
    auto told = problem_of(error);
    if (told.status == 500) {
        state_->router.log().error("request failed", {{"path", state_->request.path},
                                                      {"error", error.message},
                                                      {"trace_id", state_->made_context().trace().id}});
    }
    problem(told);
}

void Call::problem(const Problem& problem) {
    const auto& page = state_->router.problem_page();
    answer(page && wants_page() ? page(*this, problem) : problem_response(problem));
}

std::shared_ptr<http::Stream> Call::stream(int status, http::Headers headers) {
    if (std::exchange(state_->late, false)) return nullptr;
    base::check(!state_->answered, "a call is answered once");
    return state_->take(status).start(status, std::move(headers));
}

std::shared_ptr<http::Channel> Call::upgrade(http::Headers headers) {
    if (std::exchange(state_->late, false)) return nullptr;
    base::check(!state_->answered, "a call is answered once");
    return state_->take(101).upgrade(std::move(headers));
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
