// Routes: each holds its pattern, prose, parameters, types, rights, time limit and handler together; finding one,
// letting in who may, counting what it answers and describing it in /openapi.json all come from there.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/rng.h"
#include "kit/log.h"
#include "kit/metrics.h"
#include "kit/web/call.h"
#include "kit/web/parameters.h"

namespace kit {

class Shape;
namespace auth {
class Verifier;
enum class Role : std::uint8_t;
}  // namespace auth

using CallHandler = std::function<void(Call)>;

enum class Logged : std::uint8_t { always, when_debugging };
/// Whether a route asks who calls: not at all; takes note of it; refuses with 401 who shows nothing valid.
enum class Login : std::uint8_t { unasked, noted, needed };

inline constexpr std::string_view any_method = "any";

/// How long an answer may take unless the route says otherwise.
inline constexpr run::Duration standard_limit = std::chrono::seconds(10);

struct Parameter {
    std::string name;
    std::string prose;
    std::string schema;  ///< JSON Schema as text
};

struct Outcome {
    int status;
    std::string prose;
    std::string schema;  ///< JSON Schema as text; empty: no body, or a problem from 400 on
    std::string type;    ///< of the body
};

/// A body that the handler takes piece by piece (Call::body()).
struct StreamedBody {
    std::size_t bytes_max = 1 << 30;
    run::Duration silence_max = std::chrono::seconds(20);           ///< while the handler waits for the next piece
    std::vector<std::string> types = {"application/octet-stream"};  ///< of content, for /openapi.json
};

struct Route {
    std::string method;
    std::string pattern;
    std::vector<std::string> segments;  ///< "{id}" stays in its braces
    bool fixed = true;                  ///< without variables
    std::string prose;
    std::vector<Parameter> parameters;  ///< of the query
    std::vector<ParameterRule> rules;   ///< the same, as they are checked
    std::vector<Parameter> path_parameters;
    std::vector<Outcome> replies;
    const Shape* body = nullptr;
    const Shape* other_body = nullptr;  ///< taken as well
    bool listed = true;                 ///< in /openapi.json
    Logged logged = Logged::always;
    Login login = Login::unasked;
    std::vector<auth::Role> roles;  ///< any of them; none: any login will do
    run::Duration limit = standard_limit;
    std::optional<StreamedBody> streamed;
    CallHandler handler;

    struct Count {
        int status;
        Counter* counter;
    };
    mutable std::vector<Count> counts;
    mutable Histogram* latency = nullptr;
};

/// Writes one route in fluent form: routes.get("/x/{id}").doc("...").calls(handler).
class RouteWriter {
 public:
    explicit RouteWriter(Route& route) : route_(route) {}
    RouteWriter& doc(std::string prose) { return route_.prose = std::move(prose), *this; }
    /// What does not fit `schema` is refused with 422 before the handler is called; empty values count as not given.
    RouteWriter& query(std::string name, std::string prose, std::string schema = R"({"type":"string"})");
    /// Says more of a `{name}` in the pattern. What does not fit its schema is 404.
    RouteWriter& path(std::string name, std::string prose, std::string schema);
    /// `shape` must outlive the router.
    RouteWriter& takes(const Shape& shape) { return route_.body = &shape, *this; }
    /// A body of this other shape is taken, too.
    RouteWriter& or_takes(const Shape& shape) { return route_.other_body = &shape, *this; }
    /// The body comes as a stream; without `within` the answer may take as long as it likes.
    RouteWriter& takes_stream(StreamedBody body = {});
    RouteWriter& replies(int status, std::string prose, std::string schema = {}, std::string type = "application/json");
    /// A body that is no JSON.
    RouteWriter& replies_text(int status, std::string prose, std::string type) {
        return replies(status, std::move(prose), R"({"type":"string"})", std::move(type));
    }
    /// Not in /openapi.json (pages and their parts).
    RouteWriter& unlisted() { return route_.listed = false, *this; }
    RouteWriter& quiet() { return route_.logged = Logged::when_debugging, *this; }
    /// Only for who has one of these roles: 401 without a valid login, 403 with another. Call::identity() is set.
    RouteWriter& needs(std::initializer_list<auth::Role> roles);
    /// For everybody who is logged in.
    RouteWriter& needs_login() { return route_.login = Login::needed, *this; }
    /// For everybody; Call::identity() is set for who shows a valid login.
    RouteWriter& knows() { return route_.login = Login::noted, *this; }
    /// After `limit` the client is told 504 and a later answer is passed over; zero: no end. The context's deadline
    /// is the same. Without this: `standard_limit`. It ends when a stream or an upgrade begins.
    RouteWriter& within(run::Duration limit) { return route_.limit = limit, *this; }
    void calls(CallHandler handler) { route_.handler = std::move(handler); }

 private:
    Route& route_;
};

/// An answer without an end of its own.
class LongLived {
 public:
    virtual ~LongLived() = default;
    /// The service stops: say goodbye.
    virtual void stop() = 0;
};

class Router {
 public:
    /// `seed`: of trace and span ids.
    Router(run::Loop& loop, Log& log, Metrics& metrics, std::uint64_t seed)
        : loop_(loop), log_(log), metrics_(metrics), rng_(seed) {}
    Router(const Router&) = delete;
    Router& operator=(const Router&) = delete;

    /// A segment `{name}` of a pattern takes any one; `{name...}`, at its end, all that is left, also nothing.
    RouteWriter get(std::string pattern) { return add("GET", std::move(pattern)); }
    RouteWriter post(std::string pattern) { return add("POST", std::move(pattern)); }
    RouteWriter put(std::string pattern) { return add("PUT", std::move(pattern)); }
    RouteWriter patch(std::string pattern) { return add("PATCH", std::move(pattern)); }
    RouteWriter del(std::string pattern) { return add("DELETE", std::move(pattern)); }

    /// Whatever the method is; never in /openapi.json.
    RouteWriter any(std::string pattern) { return add(std::string(any_method), std::move(pattern)).unlisted(); }

    void serve(http::Request request, http::Reply reply);
    /// For the server: how the body of such a request is taken.
    http::BodyPlan plan_body(const http::Request& head, std::size_t whole_bytes_max) const;
    /// How a problem looks to somebody who asked for a page.
    void problem_page(std::function<http::Response(const Call&, const Problem&)> page) {
        problem_page_ = std::move(page);
    }
    const std::function<http::Response(const Call&, const Problem&)>& problem_page() const { return problem_page_; }
    /// Who checks logins; it must outlive the router's last request. Without one, routes that need a login answer 503.
    void verify_with(auth::Verifier& verifier) { verifier_ = &verifier; }
    bool asks_for_login() const;
    bool can_verify() const { return verifier_ != nullptr; }

    /// Has stop() called when the service stops.
    void keep_until_stop(const std::shared_ptr<LongLived>& one);
    std::size_t long_lived() const;
    void stop();

    const std::deque<Route>& routes() const { return routes_; }
    run::Loop& loop() { return loop_; }
    Log& log() { return log_; }
    base::Rng& rng() { return rng_; }

 private:
    friend struct Call::State;
    /// Calls that wait for their answer, by when it is due.
    using Due = std::multimap<run::Time, std::shared_ptr<Call::State>>;

    /// The route that fits; `allowed`: what else could be done there.
    const Route* find(const http::Request& request, std::vector<std::string_view>& segments,
                      std::string* allowed) const;
    RouteWriter add(std::string method, std::string pattern);
    void begin(Call call);
    void handle(Call call);
    void handle_login(Call call);
    void watch_limit(const std::shared_ptr<Call::State>& state);
    void plan_expiry();
    void expire();
    void forget_due(Call::State& state);
    /// Counts and logs an answer.
    void record(Call::State& state, int status);
    void count(const Route* route, const http::Request& request, int status, double seconds);

    run::Loop& loop_;
    Log& log_;
    Metrics& metrics_;
    base::Rng rng_;
    auth::Verifier* verifier_ = nullptr;
    std::deque<Route> routes_;
    std::function<http::Response(const Call&, const Problem&)> problem_page_;
    std::vector<std::weak_ptr<LongLived>> long_lived_;
    std::size_t look_again_at_ = 64;  ///< many: then those that have gone are forgotten
    bool stopping_ = false;
    Due due_;
    run::Time next_expiry_;
    run::Timer expiry_;
    Route unmatched_{.method = "", .pattern = "unmatched"};
};

/// OpenAPI 3.1 of what the router serves, as JSON text.
std::string openapi_text(const Router& router, std::string_view title, std::string_view version);

}  // namespace kit
