// An HTTP/1.1 client on the loop: kept-alive connections a host, TLS, limits and time-outs. It tries once; who wants
// retries, budgets and a circuit breaker uses kit::Peer.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "kit/http/server.h"
#include "run/loop.h"

namespace kit::http {

struct Outgoing {
    std::string method = "GET";
    std::string url;  ///< http://host:port/path?query or https://...
    Headers headers;  ///< Host, Content-Length and Connection are set here
    std::string body;
    run::Duration timeout = std::chrono::seconds(5);  ///< for the whole exchange
    std::size_t body_bytes_max = 8 * 1024 * 1024;     ///< of the answer; beyond it: Code::too_large
};

/// `unavailable`: no connection, or it broke before an answer; `timeout`: none in time; `invalid`: no URL or no HTTP.
/// An answer of any status is a value.
using Answered = std::move_only_function<void(base::Result<Response>)>;

/// The pieces of a streamed answer.
struct Pieces {
    std::move_only_function<void(int status, const Headers&)> head;
    std::move_only_function<void(std::string_view)> piece;
    /// Exactly once, at the end or when it broke.
    std::move_only_function<void(base::Result<void>)> end;
};

/// Dropping it gives the exchange up: its callbacks are not called any more.
class Exchange {
 public:
    virtual ~Exchange() = default;
    /// Reading stops while paused, so that a slow reader of ours slows the sender.
    virtual void pause() = 0;
    virtual void resume() = 0;
};

struct ClientOptions {
    std::size_t connections_per_host_max = 32;  ///< beyond it: requests wait, in order
    std::size_t waiting_max = 10'000;           ///< beyond it: unavailable, at once
    run::Duration connect_timeout = std::chrono::seconds(2);
    run::Duration idle_timeout = std::chrono::seconds(30);
    std::string ca_pem;  ///< who signs https hosts; "" is the system's list
};

class Client {
 public:
    virtual ~Client() = default;
    /// A request on a kept-alive connection that the server closed at the same moment is sent once more when nothing
    /// of an answer came and the method is idempotent.
    virtual void send(Outgoing request, Answered answered) = 0;
    [[nodiscard]] virtual std::unique_ptr<Exchange> stream(Outgoing request, Pieces pieces) = 0;
    virtual std::size_t connections() const = 0;
    virtual std::size_t waiting() const = 0;
};

std::unique_ptr<Client> make_client(boost::asio::io_context& io, ClientOptions options = {});

}  // namespace kit::http
