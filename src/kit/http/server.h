// An HTTP/1.1 server on one loop: keep-alive, pipelining, limits, time-outs, TLS with client certificates, streamed
// answers, and a drain that loses nothing. It knows neither routes nor JSON; those stand above it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "run/loop.h"

namespace kit::http {

/// Header fields in the order in which they came; names compare without case.
class Headers {
 public:
    /// The first value of `name`, or "" when there is none.
    std::string_view get(std::string_view name) const;
    bool has(std::string_view name) const;
    void add(std::string_view name, std::string_view value) { fields_.emplace_back(name, value); }
    /// Replaces every field of that name.
    void set(std::string_view name, std::string_view value);
    const std::vector<std::pair<std::string, std::string>>& all() const { return fields_; }

 private:
    std::vector<std::pair<std::string, std::string>> fields_;
};

/// Who a verified client certificate speaks for: its CN and its O values.
struct PeerIdentity {
    std::string common_name;
    std::vector<std::string> organizations;
};

/// A request's body as it arrives. Nothing more is read from the client than was asked for, so that a slow reader slows
/// the sender.
class Body {
 public:
    virtual ~Body() = default;
    using Piece = std::move_only_function<void(base::Result<std::string>)>;
    /// Calls `piece` once, now or later: with the next bytes, or with "" at the end. An Error: it sent more than the
    /// limit (too_large), something broken or nothing for too long (bad_request), or went away (unavailable).
    /// An answer that comes before the end of the body closes the connection.
    virtual void next(Piece piece) = 0;
};

struct Request {
    std::string method;  ///< upper case: GET, POST, ...
    std::string target;  ///< as sent: path?query
    std::string path;    ///< still percent-encoded
    std::string query;   ///< still percent-encoded, without '?'
    Headers headers;
    std::string body;
    std::shared_ptr<Body> stream;          ///< instead of `body`, where ServerOptions::plan_body says so
    std::string remote_address;            ///< IP without port
    std::optional<PeerIdentity> identity;  ///< set when the client showed a certificate that our CA signed
};

struct Response {
    int status = 200;
    Headers headers;
    /// Shared so that a stored object's bytes go out without a copy; null is an empty body.
    std::shared_ptr<const std::string> body;
};

/// An answer that goes out piece by piece (chunked). Dropping it without end() cuts the connection.
class Stream {
 public:
    virtual ~Stream() = default;
    /// Queues `bytes` and sends as the socket takes them. Ignored after the client is gone.
    virtual void write(std::shared_ptr<const std::string> bytes) = 0;
    /// Bytes queued and not yet taken by the socket: the caller bounds its queue by it.
    virtual std::size_t pending() const = 0;
    /// Sends the terminating chunk after what is queued; the connection is kept alive.
    virtual void end() = 0;
    /// Called at most once, when the client has gone away before end().
    virtual void on_close(run::Callback gone) = 0;
    /// Called each time that everything queued has been taken by the socket.
    virtual void on_drain(run::Callback drained) = 0;
};

/// A connection that has left HTTP behind (after `101 Switching Protocols`): bytes both ways. write() sends as is,
/// end() sends what is queued and closes.
class Channel : public Stream {
 public:
    /// Called with each piece that the client sends; what came before this call is kept for it.
    virtual void on_bytes(std::move_only_function<void(std::string_view)> arrived) = 0;
};

/// The one answer to a request; exactly one of its calls is made, at once or later, on the loop.
/// Dropping it unanswered sends a 500.
class Reply {
 public:
    class Sink {
     public:
        virtual ~Sink() = default;
        virtual void send(Response response) = 0;
        virtual std::shared_ptr<Stream> start(int status, Headers headers) = 0;
        virtual std::shared_ptr<Channel> upgrade(Headers) { return nullptr; }
        virtual void on_close(run::Callback gone) = 0;
    };
    explicit Reply(std::unique_ptr<Sink> sink) : sink_(std::move(sink)) {}
    void send(Response response) && { std::move(sink_)->send(std::move(response)); }
    /// Sends the head at once and hands out the body as a stream.
    std::shared_ptr<Stream> start(int status, Headers headers) && { return sink_->start(status, std::move(headers)); }
    /// Answers 101 with `headers` (Upgrade, Sec-WebSocket-Accept, ...; `Connection: Upgrade` is added) and hands out
    /// the raw connection. Null where the transport cannot do it.
    std::shared_ptr<Channel> upgrade(Headers headers) && { return sink_->upgrade(std::move(headers)); }
    /// Called at most once when the client goes away before the answer: work for it may be given up.
    void on_close(run::Callback gone) { sink_->on_close(std::move(gone)); }

 private:
    std::unique_ptr<Sink> sink_;
};

using Handler = std::function<void(Request, Reply)>;

/// What becomes of the body of one request.
struct BodyPlan {
    enum class Way : std::uint8_t { whole, streamed } way = Way::whole;
    std::size_t bytes_max = 0;
    run::Duration silence_max = std::chrono::seconds(20);  ///< streamed: between pieces that were asked for
};

struct TlsFiles {
    std::string certificate_pem;  ///< PEM text: leaf first, then its chain
    std::string key_pem;
    /// CA whose client certificates are verified into Request::identity; empty asks for none. A client without a
    /// certificate is always let in (the handler decides), one with a bad certificate is refused.
    std::string client_ca_pem;
};

struct ServerOptions {
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;  ///< 0 picks a free one
    std::optional<TlsFiles> tls;
    std::size_t header_bytes_max = 64 * 1024;
    std::size_t body_bytes_max = 3 * 1024 * 1024;  ///< beyond it: 413
    std::size_t connections_max = 10'000;
    run::Duration idle_timeout = std::chrono::seconds(120);
    /// For the whole header, then for each next piece of the body, and for the TLS handshake.
    run::Duration header_timeout = std::chrono::seconds(20);
    /// Asked when the header of a request with a body is there; null: whole, up to body_bytes_max.
    std::function<BodyPlan(const Request&)> plan_body;
    /// Field lines ("Name: value\r\n") that go into every answer as they stand.
    std::string fixed_head;
    /// Answers 400/408/413/431/505 in the caller's own format; null sends text/plain.
    std::function<Response(int status, std::string_view message)> refusal;
};

class Server {
 public:
    virtual ~Server() = default;
    virtual std::uint16_t port() const = 0;
    /// Stops listening once the accept queue is empty (and stays a moment for handshakes on their way); every
    /// connection's next answer says `Connection: close`. A kept-alive connection that is idle is served one more
    /// request if it comes within `grace`, so that a client that sends just now does not meet a closed socket. `done`
    /// runs when the last connection has ended, or after `limit`, when what is left is cut.
    virtual void drain(run::Duration grace, run::Duration limit, run::Callback done) = 0;
    virtual std::size_t connections() const = 0;
};

/// Listens; an Error names the address and the reason (for a port in use: who could hold it).
base::Result<std::unique_ptr<Server>> serve(boost::asio::io_context& io, ServerOptions options, Handler handler);

/// "a%20b" -> "a b"; '+' becomes a space when `plus_is_space`. Nothing for a broken escape.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);
/// As it may stand in a part of a URL: all but what RFC 3986, 2.3 leaves alone is %XX.
std::string percent_encoded(std::string_view text);
/// The decoded pairs of a query string in order; a broken escape is kept as it stands.
std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query);

}  // namespace kit::http
