#include "kit/http/client_connection.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "kit/http/ascii.h"
#include "kit/http/head.h"

namespace kit::http {
namespace {

constexpr std::string_view no_handshake = "it broke off the TLS handshake (does it speak TLS?)";

constexpr int reads_a_turn_max = 16;  ///< then others get their turn
constexpr std::string_view idempotent[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};

/// Nagle's delay would hold back the second piece of a request.
int open_socket() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    if (fd >= 0) ::setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, sizeof on);
    return fd;
}

bool set_here(std::string_view name) {
    return same_text(name, "Host") || same_text(name, "Content-Length") || same_text(name, "Connection") ||
           same_text(name, "Transfer-Encoding");
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
    const auto start = out.size();
    fmt::format_to(std::back_inserter(out), "{}: {}", name, value);
    for (auto at = start; at < out.size(); ++at) {
        if (out[at] == '\r' || out[at] == '\n' || out[at] == '\0') out[at] = ' ';  // would end the field
    }
    out += "\r\n";
}

}  // namespace

bool ClientCall::repeatable() const {
    return request.sending == Sending::whole && std::ranges::find(idempotent, request.method) != std::end(idempotent);
}

void ClientCall::fail(base::Error error) {
    if (std::exchange(over, true)) return;
    deadline.cancel();
    auto told = std::move(answered);
    auto ended = std::move(pieces.end);
    if (told)
        told(std::unexpected(std::move(error)));
    else if (ended)
        ended(std::unexpected(std::move(error)));
}

ClientConnection::ClientConnection(ConnectionOwner& owner, Url url)
    : owner_(owner), url_(std::move(url)), moved_(owner.loop().now()) {}

base::Result<void> ClientConnection::connect(in_addr address, const std::shared_ptr<net::TlsContext>& tls,
                                             run::Duration timeout) {
    const int fd = open_socket();
    if (fd < 0) return base::fail(base::Code::unavailable, fmt::format("no socket: {}", std::strerror(errno)));
    transport_ = std::make_unique<net::Transport>(fd, tls, url_.host);
    sockaddr_in to{.sin_family = AF_INET, .sin_port = htons(url_.port), .sin_addr = address, .sin_zero = {}};
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 && errno != EINPROGRESS) {
        return base::fail(base::Code::unavailable, std::strerror(errno));
    }
    connect_timer_ = owner_.loop().after(timeout, [this] {
        const auto self = shared_from_this();
        broken(base::Code::unavailable, "no connection in time");
    });
    return owner_.poller().add(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, *this);
}

void ClientConnection::on_ready(std::uint32_t events) {
    const auto self = shared_from_this();
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) readable_ = true;
    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) peer_ended_ = true;
    if (phase_ == Phase::connecting && connect_timer_) {
        int error = 0;
        socklen_t size = sizeof error;
        ::getsockopt(transport_->fd(), SOL_SOCKET, SO_ERROR, &error, &size);
        if (error == ECONNRESET && transport_->secure()) return broken(base::Code::unavailable, no_handshake);
        if (error != 0) return broken(base::Code::unavailable, std::strerror(error));
        if ((events & EPOLLOUT) == 0 && !transport_->secure()) return;
        if (!transport_->secure()) return connected();
        readable_ = true;  // the first read sends TLS's hello
    }
    pump();
}

void ClientConnection::connected() {
    connect_timer_.cancel();
    phase_ = Phase::idle;
    owner_.free(*this);
}

bool ClientConnection::alive() {
    if (phase_ != Phase::idle || peer_ended_) return false;
    if (transport_->secure()) return true;  // its records may be about anything; a stale one is met by again()
    char next = 0;
    return ::recv(transport_->fd(), &next, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

void ClientConnection::carry(std::shared_ptr<ClientCall> call) {
    call_ = std::move(call);
    call_->connection = weak_from_this();
    phase_ = Phase::busy;
    ++calls_;
    answer_begun_ = head_told_ = write_broken_ = false;
    moved_ = owner_.loop().now();
    parser_.begin({.head = call_->request.method == "HEAD",
                   .body_max = call_->streams ? std::nullopt : std::optional(call_->request.body_bytes_max)});
    send_head();
    if (call_->body && !call_->body->empty()) out_.append(call_->body);
    if (!call_->early.empty()) write(std::exchange(call_->early, {}));
    if (call_->request.sending == Sending::streamed && call_->finished) finish();
    flush();
}

void ClientConnection::send_head() {
    const auto& request = call_->request;
    auto& out = out_.tail();
    const auto host = request.headers.get("Host");
    fmt::format_to(std::back_inserter(out), "{} {} HTTP/1.1\r\n", request.method, call_->url.target);
    append_field(out, "Host", host.empty() ? std::string_view(call_->url.authority()) : host);
    for (const auto& [name, value] : request.headers.all()) {
        if (!set_here(name)) append_field(out, name, value);
    }
    const auto length = request.headers.get("Content-Length");
    chunks_ = request.sending == Sending::streamed && length.empty();
    if (request.sending == Sending::upgrade) {
        out += "Connection: Upgrade\r\n";
    } else if (chunks_) {
        out += "Transfer-Encoding: chunked\r\n";
    } else if (request.sending == Sending::streamed) {
        append_field(out, "Content-Length", length);
    } else if (!call_->body->empty() || request.method == "POST" || request.method == "PUT" ||
               request.method == "PATCH") {
        fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", call_->body->size());
    }
    out += "\r\n";
}

void ClientConnection::write(std::string_view bytes) {
    if (bytes.empty() || write_broken_) return;
    if (phase_ == Phase::busy && chunks_) {
        out_.tail() += chunk_line(bytes.size());
        out_.append(std::make_shared<const std::string>(bytes));
        out_.tail() += "\r\n";
    } else {
        out_.append(std::make_shared<const std::string>(bytes));
    }
    if (!pumping_) flush();
}

void ClientConnection::finish() {
    if (phase_ == Phase::busy && chunks_) {
        out_.tail() += "0\r\n\r\n";
        chunks_ = false;
    }
    if (!pumping_) flush();
}

void ClientConnection::flush() {
    if (phase_ == Phase::closed || phase_ == Phase::connecting) return;
    const auto left = out_.size();
    // A server may answer and close before it has read all: the answer is still to be read.
    if (left > 0 && out_.flush(*transport_) == net::Io::closed) {
        write_broken_ = true;
        out_ = {};
        readable_ = true;
        return owner_.loop().post([self = shared_from_this()] { self->pump(); });
    }
    if (out_.size() < left) moved_ = owner_.loop().now();
    if (!out_.empty() || !call_) return;
    if (phase_ == Phase::tunnel && call_->finished && !std::exchange(said_goodbye_, true)) transport_->shutdown_write();
    if (left == 0 || !call_->drained || call_->over) return;
    const auto call = call_;
    auto drained = std::exchange(call->drained, nullptr);
    drained();
    if (!call->drained && !call->over) call->drained = std::move(drained);
}

bool ClientConnection::reads() const {
    if (phase_ == Phase::closed || !readable_) return false;
    return !call_ || !call_->paused;
}

void ClientConnection::pump() {
    if (pumping_) return;
    const auto self = shared_from_this();
    pumping_ = true;
    for (int reads_made = 0; reads();) {
        if (++reads_made > reads_a_turn_max) {
            owner_.loop().post([self] { self->pump(); });
            break;
        }
        read_once();
    }
    pumping_ = false;
    if (phase_ != Phase::closed) flush();
}

void ClientConnection::read_once() {
    auto& scratch = owner_.scratch();
    const auto moved = transport_->read({scratch.data(), scratch.size()});
    if (phase_ == Phase::connecting && transport_->secure() && transport_->established()) connected();
    if (phase_ == Phase::closed) return;
    switch (moved.io) {
        case net::Io::again:
            readable_ = false;
            return;
        case net::Io::plain_text:
            return broken(base::Code::unavailable, "it does not speak TLS");
        case net::Io::closed:
            return ended();
        case net::Io::done:
            break;
    }
    moved_ = owner_.loop().now();
    // A short read of a plain socket has emptied it: no need to be told `again`.
    if (!transport_->secure() && moved.bytes < scratch.size() && !peer_ended_) readable_ = false;
    take({scratch.data(), moved.bytes});
}

void ClientConnection::take(std::string_view bytes) {
    if (phase_ == Phase::tunnel) return tunnel_arrived(bytes);
    if (phase_ != Phase::busy) return broken(base::Code::unavailable, "it sent what nobody asked for");
    answer_begun_ = true;
    std::size_t taken = 0;
    auto step = ResponseParser::Step::more;
    if (in_.empty()) {
        step = parser_.put(bytes, taken);
        in_ = bytes.substr(taken);
    } else {
        in_ += bytes;
        step = parser_.put(in_, taken);
        in_.erase(0, taken);
    }
    deliver(step);
}

void ClientConnection::deliver(ResponseParser::Step step) {
    if (step == ResponseParser::Step::invalid) return broken(base::Code::invalid, "its answer is not HTTP/1.1");
    if (step == ResponseParser::Step::too_large) return broken(base::Code::too_large, "its answer is too large");
    const auto call = call_;
    const auto self = shared_from_this();
    if (parser_.header_done() && parser_.status() == 101 && call->request.sending != Sending::upgrade) {
        return broken(base::Code::invalid, "it switched protocols unasked");
    }
    if (call->streams && parser_.header_done() && !std::exchange(head_told_, true)) {
        call->deadline.cancel();
        if (call->request.silence > run::Duration::zero()) watch_silence(call->request.silence);
        if (parser_.status() == 101) phase_ = Phase::tunnel;
        if (call->pieces.head) call->pieces.head(parser_.status(), parser_.headers());
        if (call->over || phase_ == Phase::closed) return;
    }
    if (phase_ == Phase::tunnel) {
        if (const auto early = std::exchange(in_, {}); !early.empty()) tunnel_arrived(early);
        return;
    }
    if (call->streams && !parser_.body().empty()) {
        const auto piece = std::exchange(parser_.body(), {});
        if (call->pieces.piece) call->pieces.piece(piece);
        if (call->over || phase_ == Phase::closed) return;
    }
    if (step == ResponseParser::Step::done) complete();
}

bool ClientConnection::request_sent() const {
    return out_.empty() && !write_broken_ && !chunks_ &&
           (call_->request.sending != Sending::streamed || call_->finished);
}

/// The answer is here. The connection is free before its receiver is called, who may have more to ask.
void ClientConnection::complete() {
    const bool goes_on = parser_.keep_alive() && request_sent() && in_.empty() && !peer_ended_;
    const auto call = std::exchange(call_, nullptr);
    call->deadline.cancel();
    call->over = true;
    Response response{.status = parser_.status(), .headers = std::move(parser_.headers()), .body = nullptr};
    if (!call->streams) response.body = std::make_shared<const std::string>(std::move(parser_.body()));
    auto answered = std::move(call->answered);
    auto end = std::move(call->pieces.end);
    if (goes_on) {
        phase_ = Phase::idle;
        owner_.free(*this);
    } else {
        close();
        owner_.lost(*this, nullptr);
    }
    if (answered) answered(std::move(response));
    if (end) end({});
}

void ClientConnection::tunnel_arrived(std::string_view bytes) {
    const auto call = call_;
    const std::string own(bytes);  // the receiver may let others read into the shared buffer
    if (call->pieces.piece && !call->over) call->pieces.piece(own);
}

/// The server has closed: that ends an answer without a length, and anything else too soon.
void ClientConnection::ended() {
    if (phase_ == Phase::tunnel) {
        const auto call = std::exchange(call_, nullptr);
        const bool well = transport_->ended_well();
        close();
        owner_.lost(*this, nullptr);
        if (!well) return call->fail({base::Code::unavailable, fmt::format("{}: it broke off", url_.origin())});
        if (std::exchange(call->over, true)) return;
        auto end = std::move(call->pieces.end);
        if (end) end({});
        return;
    }
    if (phase_ == Phase::busy && answer_begun_ && transport_->ended_well() &&
        parser_.end() == ResponseParser::Step::done) {
        peer_ended_ = true;
        return deliver(ResponseParser::Step::done);
    }
    const auto problem = transport_->tls_problem();
    if (phase_ == Phase::connecting && transport_->secure()) {
        return broken(base::Code::unavailable,
                      problem.empty() ? std::string(no_handshake) : fmt::format("TLS: {}", problem));
    }
    broken(base::Code::unavailable, answer_begun_ ? "it closed the connection in the middle of its answer"
                                                  : "it closed the connection before it answered");
}

void ClientConnection::broken(base::Code code, std::string_view why) {
    if (phase_ == Phase::closed) return;
    const auto self = shared_from_this();
    const auto call = std::exchange(call_, nullptr);
    const base::Error error(code, fmt::format("{}: {}", url_.origin(), why));
    const bool stale = call && code == base::Code::unavailable && calls_ > 1 && !answer_begun_;
    const bool never_connected = phase_ == Phase::connecting;
    close();
    owner_.lost(*this, never_connected ? &error : nullptr);
    if (!call || call->over) return;
    if (stale && call->repeatable() && !std::exchange(call->resent, true)) return owner_.again(call);
    call->fail(error);
}

void ClientConnection::close() {
    phase_ = Phase::closed;
    connect_timer_.cancel();
    if (!transport_) return;
    owner_.poller().remove(transport_->fd(), *this);
    transport_->close();
    out_ = {};
    in_ = {};
}

void ClientConnection::time_out(run::Duration after) {
    broken(base::Code::timeout,
           fmt::format("no answer in {} ms", std::chrono::duration_cast<std::chrono::milliseconds>(after).count()));
}

/// A pause is our own reader's doing and no silence.
void ClientConnection::watch_silence(run::Duration wait) {
    call_->deadline = owner_.loop().after(wait, [this, weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self || !call_) return;
        const auto silence = call_->request.silence;
        const auto since = owner_.loop().now() - moved_;
        if (call_->paused) return watch_silence(silence);
        if (since < silence) return watch_silence(silence - since);
        broken(base::Code::timeout, "nothing came any more");
    });
}

void ClientConnection::abandon() {
    if (phase_ == Phase::closed) return;
    call_ = nullptr;
    close();
}

}  // namespace kit::http
