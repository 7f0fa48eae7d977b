// One client's connection: reads requests, hands them to the handler one at a time, sends the answers in order.
//
//   idle -> reading -> answering -> idle              keep-alive
//                          |-> streaming -> idle      a body sent piece by piece
//                          |-> tunnel                 upgraded: no HTTP any more
// While it answers or streams, a request's body may still come in, as its reader asks for it (Incoming).
//   any -> lingering -> closed                        all sent, FIN sent; the client's rest is read and dropped,
//                                                     because closing on unread bytes would reset what was sent
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "kit/http/head.h"
#include "kit/http/incoming.h"
#include "kit/http/outbox.h"
#include "kit/http/parser.h"
#include "kit/http/server.h"
#include "kit/net/poller.h"
#include "kit/net/transport.h"

namespace kit::http {

class Connection;

/// What connections share; it outlives those that are not closed.
struct Shared {
    const ServerOptions& options;
    const Handler& handler;
    net::Poller& poller;
    run::Loop& loop;
    DateText date;
    std::string scratch;  ///< the read buffer of whoever reads now
    bool draining = false;
    /// Takes a closed connection off the server's books.
    std::function<void(Connection&)> ended;
    /// Has flush() called on the connection soon, once for all that is written until then.
    std::function<void(std::shared_ptr<Connection>)> flush_soon;
};

class Connection final : public net::Watcher, public std::enable_shared_from_this<Connection> {
 public:
    Connection(Shared& shared, int fd, const std::shared_ptr<net::TlsContext>& tls, std::string remote_address);

    base::Result<void> start();
    void on_ready(std::uint32_t events) override;
    /// Ends what has waited too long; says when to look again.
    run::Time check_deadline(run::Time now);
    /// In a drain, after the grace: an idle connection is closed, unless a request is there already.
    void close_if_idle();
    /// Closes at once; `on_close` callbacks run.
    void cut() { end(Tell::owner); }
    /// As cut(), without callbacks: who would be called has gone or does the closing.
    void abandon();
    void flush();
    bool closed() const { return phase_ == Phase::closed; }

    // The answer's side, called by sinks, streams and channels.
    void answer(Response response);
    void start_stream(int status, const Headers& headers);
    void start_tunnel(Headers headers);
    void stream_write(std::shared_ptr<const std::string> bytes);
    void stream_end();
    std::size_t pending() const { return out_.size(); }
    void on_close(run::Callback gone);
    void on_drain(run::Callback drained) { drained_ = std::move(drained); }
    void on_bytes(std::move_only_function<void(std::string_view)> arrived);

    std::size_t index = 0;  ///< the server's: where it keeps this connection

 private:
    enum class Phase : std::uint8_t { idle, reading, answering, streaming, tunnel, lingering, closed };
    enum class Framing : std::uint8_t { chunked, raw, dropped };
    enum class Tell : std::uint8_t { owner, nobody };

    bool receiving() const { return phase_ == Phase::idle || phase_ == Phase::reading; }
    bool body_unfinished() const { return incoming_ && !incoming_->over(); }
    bool body_wanted() const { return incoming_ && incoming_->wanted(); }
    std::string_view unparsed() const { return std::string_view(in_).substr(in_at_); }
    void pump();
    void read_once();
    void feed(std::string_view bytes);
    void tunnel_arrived(std::string_view bytes);
    bool parse_kept();
    RequestParser::Step parse(std::string_view bytes, std::size_t& taken);
    void act(RequestParser::Step step);
    void dispatch();
    void dispatch_head();
    void body_arrived(RequestParser::Step step);
    void ask_for_body();
    void forget_body();
    void refuse(int status, std::string_view message);
    void queue(const Response& response);
    void finished();
    void resume();
    void linger();
    void end(Tell tell);
    bool closes_after_answer() const;

    Shared& shared_;
    net::Transport transport_;
    RequestParser parser_;
    Outbox out_;
    std::string in_;  ///< read; from in_at_ on not yet parsed
    std::size_t in_at_ = 0;
    std::shared_ptr<Incoming> incoming_;  ///< a streamed body, until the answer is complete
    run::Time asked_;                     ///< when its reader began to wait for a piece
    std::string remote_address_;
    std::optional<PeerIdentity> identity_;
    run::Callback gone_;
    run::Callback drained_;
    std::move_only_function<void(std::string_view)> arrived_;
    run::Time since_;  ///< when the phase last made progress
    Phase phase_ = Phase::idle;
    Framing framing_ = Framing::chunked;
    bool readable_ = false;
    bool pumping_ = false;
    bool head_request_ = false;
    bool http_1_1_ = true;
    bool keep_alive_ = true;
    bool continued_ = false;
    bool expects_continue_ = false;
    bool identity_known_ = false;
    bool flush_queued_ = false;
    bool peer_ended_ = false;  ///< the client sends no more
    bool said_goodbye_ = false;
    bool orphaned_ = false;  ///< shared_ may be gone
    std::uint64_t requests_ = 0;
};

std::unique_ptr<Reply::Sink> make_sink(std::shared_ptr<Connection> connection);

}  // namespace kit::http
