// Routes: each holds its pattern, prose, parameters, types and handler together; finding one, counting what it
// answers and describing it in /openapi.json all come from there.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kit/log.h"
#include "kit/metrics.h"
#include "kit/web/call.h"

namespace kit {

class Shape;

using CallHandler = std::function<void(Call)>;

enum class Logged : std::uint8_t { always, when_debugging };

struct Parameter {
    std::string name;
    std::string prose;
    std::string schema;  ///< JSON Schema as text
};

struct Outcome {
    int status;
    std::string prose;
    std::string schema;  ///< JSON Schema as text; empty: no JSON body
};

struct Route {
    std::string method;
    std::string pattern;
    std::vector<std::string> segments;  ///< "{id}" stays in its braces
    std::string prose;
    std::vector<Parameter> parameters;
    std::vector<Outcome> replies;
    const Shape* body = nullptr;
    bool listed = true;  ///< in /openapi.json
    Logged logged = Logged::always;
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
    RouteWriter& query(std::string name, std::string prose, std::string schema = R"({"type":"string"})");
    /// `shape` must outlive the router.
    RouteWriter& takes(const Shape& shape) { return route_.body = &shape, *this; }
    RouteWriter& replies(int status, std::string prose, std::string schema = {});
    /// Not in /openapi.json (pages and their parts).
    RouteWriter& unlisted() { return route_.listed = false, *this; }
    RouteWriter& quiet() { return route_.logged = Logged::when_debugging, *this; }
    void calls(CallHandler handler) { route_.handler = std::move(handler); }

 private:
    Route& route_;
};

class Router {
 public:
    Router(const run::Clock& clock, Log& log, Metrics& metrics) : clock_(clock), log_(log), metrics_(metrics) {}
    Router(const Router&) = delete;
    Router& operator=(const Router&) = delete;

    RouteWriter get(std::string pattern) { return add("GET", std::move(pattern)); }
    RouteWriter post(std::string pattern) { return add("POST", std::move(pattern)); }
    RouteWriter put(std::string pattern) { return add("PUT", std::move(pattern)); }
    RouteWriter del(std::string pattern) { return add("DELETE", std::move(pattern)); }

    void serve(http::Request request, http::Reply reply);
    /// How a problem looks to somebody who asked for a page.
    void problem_page(std::function<http::Response(const Call&, const Problem&)> page) {
        problem_page_ = std::move(page);
    }
    const std::function<http::Response(const Call&, const Problem&)>& problem_page() const { return problem_page_; }

    /// Counts and logs an answer.
    void record(const Route* route, const http::Request& request, int status, run::Time started);
    const std::deque<Route>& routes() const { return routes_; }
    const run::Clock& clock() const { return clock_; }
    Log& log() { return log_; }

 private:
    RouteWriter add(std::string method, std::string pattern);
    void count(const Route* route, const http::Request& request, int status, double seconds);

    const run::Clock& clock_;
    Log& log_;
    Metrics& metrics_;
    std::deque<Route> routes_;
    std::function<http::Response(const Call&, const Problem&)> problem_page_;
    Route unmatched_{.method = "", .pattern = "unmatched"};
};

/// OpenAPI 3.1 of what the router serves, as JSON text.
std::string openapi_text(const Router& router, std::string_view title, std::string_view version);

}  // namespace kit
