// One connection to a server, as the client's pool keeps it: connects, carries one exchange after the other.
//
//   connecting -> idle -> busy -> idle       keep-alive
//                          |-> tunnel        upgraded: no HTTP any more
//   any -> closed
#pragma once

#include <netinet/in.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kit/http/client.h"
#include "kit/http/outbox.h"
#include "kit/http/response_parser.h"
#include "kit/http/url.h"
#include "kit/net/poller.h"
#include "kit/net/transport.h"
#include "run/loop.h"

namespace kit::http {

class ClientConnection;

/// One exchange from its call to its end, whoever carries it just now.
struct ClientCall {
    Outgoing request;
    Url url;
    std::shared_ptr<const std::string> body;
    Pieces pieces;      ///< of a stream
    Answered answered;  ///< of a send
    run::Callback drained;
    run::Timer deadline;
    std::weak_ptr<ClientConnection> connection;
    std::string early;  ///< of a streamed body, written before there was a connection
    bool streams = false;
    bool finished = false;  ///< the caller has written all of a streamed body
    bool paused = false;
    bool resent = false;
    bool queued = false;  ///< waits for a connection, and is counted
    bool over = false;    ///< ended, or given up: nobody is called any more

    bool repeatable() const;
    /// Calls whoever waits, once.
    void fail(base::Error error);
};

/// Whose connections they are; its books change before calls are answered.
class ConnectionOwner {
 public:
    /// It can take a call: connected, or done with one.
    virtual void free(ClientConnection& connection) = 0;
    /// Closed. `why` when it never came to be connected, else null. Calls nobody before it returns.
    virtual void lost(ClientConnection& connection, const base::Error* why) = 0;
    /// A call that met a kept-alive connection at its end, untouched: for another connection.
    virtual void again(std::shared_ptr<ClientCall> call) = 0;
    virtual std::string& scratch() = 0;
    virtual net::Poller& poller() = 0;
    virtual run::Loop& loop() = 0;

 protected:
    ~ConnectionOwner() = default;
};

class ClientConnection final : public net::Watcher, public std::enable_shared_from_this<ClientConnection> {
 public:
    enum class Phase : std::uint8_t { connecting, idle, busy, tunnel, closed };

    ClientConnection(ConnectionOwner& owner, Url url);
    ~ClientConnection() = default;
    /// Begins; free() or lost() follow, never at once.
    base::Result<void> connect(in_addr address, const std::shared_ptr<net::TlsContext>& tls, run::Duration timeout);
    void on_ready(std::uint32_t events) override;

    /// Only while idle.
    void carry(std::shared_ptr<ClientCall> call);
    /// False when the server has closed it: looked at before it is used again.
    bool alive();
    /// Closes without a word to anybody.
    void abandon();

    // The call's side.
    void write(std::string_view bytes);
    void finish();
    void resume() { pump(); }
    /// Ends what is carried, as late.
    void time_out(run::Duration after);
    std::size_t pending() const { return out_.size(); }
    run::Time last_moved() const { return moved_; }

    Phase phase() const { return phase_; }
    const Url& url() const { return url_; }

    std::vector<in_addr> more;  ///< the owner's: addresses to try if this one fails

 private:
    void connected();
    void pump();
    void read_once();
    void take(std::string_view bytes);
    void deliver(ResponseParser::Step step);
    void flush();
    void watch_silence(run::Duration wait);
    void send_head();
    void complete();
    void tunnel_arrived(std::string_view bytes);
    void ended();
    void broken(base::Code code, std::string_view why);
    void close();
    bool reads() const;
    bool request_sent() const;

    ConnectionOwner& owner_;
    Url url_;
    std::unique_ptr<net::Transport> transport_;
    Outbox out_;
    ResponseParser parser_;
    std::shared_ptr<ClientCall> call_;
    std::string in_;
    run::Timer connect_timer_;
    run::Time moved_;
    Phase phase_ = Phase::connecting;
    std::uint64_t calls_ = 0;
    bool readable_ = false;
    bool pumping_ = false;
    bool peer_ended_ = false;
    bool said_goodbye_ = false;
    bool write_broken_ = false;
    bool answer_begun_ = false;
    bool head_told_ = false;
    bool chunks_ = false;
};

}  // namespace kit::http
