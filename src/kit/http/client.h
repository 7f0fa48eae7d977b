// An HTTP/1.1 client on the loop: kept-alive connections a host, TLS, limits and time-outs. It tries once; who wants
// retries, budgets and a circuit breaker uses kit::Peer.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "kit/http/server.h"
#include "run/loop.h"

namespace kit::http {

enum class Sending : std::uint8_t {
    whole,     ///< `body`
    streamed,  ///< by Exchange::write() and finish(); with `Content-Length` in the headers by it, else in chunks
    upgrade,   ///< `Upgrade` in the headers is asked for; after 101 the bytes go both ways as they are
};

struct Outgoing {
    std::string method = "GET";
    std::string url;  ///< http://host:port/path?query or https://...
    Headers headers;  ///< Content-Length and Connection are set here, Host unless it is given
    std::string body;
    Sending sending = Sending::whole;                 ///< others only with stream()
    run::Duration timeout = std::chrono::seconds(5);  ///< send(): for the whole exchange; stream(): until the head
    run::Duration silence = std::chrono::minutes(2);  ///< stream(): in which nothing moves either way; zero: any
    std::size_t body_bytes_max = 8 * 1024 * 1024;     ///< send(): of the answer; beyond it: Code::too_large
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
    /// Reading stops while paused, so that a slow reader of ours slows the sender. What was read already still comes.
    virtual void pause() = 0;
    virtual void resume() = 0;
    /// More of a streamed body, or of an upgraded connection.
    virtual void write(std::string_view bytes) = 0;
    /// The end of the body; of an upgraded connection: nothing more is sent, what comes is still read.
    virtual void finish() = 0;
    /// Written and not yet taken by the socket: the caller bounds it, and hears by on_drain when all is taken.
    virtual std::size_t pending() const = 0;
    virtual void on_drain(run::Callback drained) = 0;
};

struct ClientOptions {
    std::size_t connections_per_host_max = 32;  ///< beyond it: requests wait, in order
    std::size_t waiting_max = 10'000;           ///< beyond it: unavailable, at once
    run::Duration connect_timeout = std::chrono::seconds(2);
    run::Duration idle_timeout = std::chrono::seconds(30);
    std::string ca_pem;  ///< who signs https hosts; "" is the system's list. A broken one is said by each https call
};

/// Callbacks run on the loop, never before the call returns. When the client goes, what is under way is dropped.
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
