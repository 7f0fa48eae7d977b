// Another service that this one calls: its address, time-outs, retries that cannot pile up (a budget), and a circuit
// breaker that stops calling what does not answer. The trace and the deadline of the request go with each call.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "kit/context.h"
#include "kit/http/client.h"
#include "kit/metrics.h"
#include "run/loop.h"

namespace kit {

struct PeerOptions {
    std::string name;                                 ///< in metrics and errors: "payments"
    std::string base;                                 ///< "http://payments:8080"
    std::string bearer;                               ///< sent as Authorization unless the call has its own; a secret
    run::Duration timeout = std::chrono::seconds(2);  ///< for one try
    int tries = 3;                                    ///< only for idempotent methods or calls marked so
    double retry_budget = 0.2;  ///< retries may be that share of calls, over a window of 10 s (and 10 at least)
    int breaker_failures = 5;   ///< in a row: open
    run::Duration breaker_open = std::chrono::seconds(2);  ///< then one call is let through to see
};

/// What is left of the caller's time, in whole milliseconds: sent with each call.
inline constexpr std::string_view time_left_header = "Request-Timeout-Ms";

enum class Repeat : std::uint8_t { by_method, safe, never };  ///< safe: e.g. a POST with an Idempotency-Key

struct PeerCall {
    std::string method = "GET";
    std::string path;  ///< with query
    std::string body;  ///< JSON unless headers say otherwise
    http::Headers headers;
    Repeat repeat = Repeat::by_method;
};

class Peer {
 public:
    Peer(http::Client& client, run::Loop& loop, Metrics& metrics, PeerOptions options);
    ~Peer();
    /// 502, 503, 504 and broken connections are tried again with jittered back-off while the context, the tries and
    /// the budget allow; the last answer is the one that is told. An Error names the peer. With an open breaker:
    /// `unavailable`, at once. When the Peer goes, what is under way is dropped.
    void call(const Context& context, PeerCall call, http::Answered answered);
    /// Nothing while it can be called; else why not.
    std::optional<std::string> away() const;
    const PeerOptions& options() const;

 private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace kit
