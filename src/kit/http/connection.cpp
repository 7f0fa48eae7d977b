#include "kit/http/connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "kit/http/ascii.h"

namespace kit::http {
namespace {
constexpr auto linger_time = std::chrono::seconds(2);
constexpr int reads_a_turn_max = 16;  ///< then other connections get their turn
constexpr std::size_t tunnel_early_bytes_max = 256 * 1024;

Response plain_refusal(int status, std::string_view message) {
    Response response{.status = status};
    response.headers.add("Content-Type", "text/plain; charset=utf-8");
    response.body = std::make_shared<const std::string>(std::string(message) + "\n");
    return response;
}

/// Said below TLS, which never came about.
void send_tls_hint(int fd) {
    static constexpr std::string_view hint =
        "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
        "This is an HTTPS address: use https:// instead of http://.\n";
    [[maybe_unused]] const auto sent = ::send(fd, hint.data(), hint.size(), MSG_NOSIGNAL);
}

bool bytes_wait(int fd) {
    char next = 0;
    return ::recv(fd, &next, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

}  // namespace

Connection::Connection(Shared& shared, int fd, const std::shared_ptr<net::TlsContext>& tls, std::string remote_address)
    : shared_(shared),
      transport_(fd, tls),
      parser_({shared.options.header_bytes_max, shared.options.body_bytes_max, &shared.options.plan_body}),
      remote_address_(std::move(remote_address)),
      since_(shared.loop.now()) {}

base::Result<void> Connection::start() {
    return shared_.poller.add(transport_.fd(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, *this);
}

void Connection::on_ready(std::uint32_t events) {
    const auto self = shared_from_this();
    if ((events & (EPOLLERR | EPOLLHUP)) != 0) return end(Tell::owner);
    if ((events & EPOLLRDHUP) != 0) peer_ended_ = true;
    if ((events & (EPOLLIN | EPOLLRDHUP)) != 0) readable_ = true;
    if (peer_ended_ && phase_ == Phase::streaming && !body_unfinished()) return end(Tell::owner);
    // A client may close its sending side and still wait for its answer: tell the handler, but let it answer.
    if (peer_ended_ && phase_ == Phase::answering && gone_ && !body_unfinished()) {
        auto gone = std::exchange(gone_, nullptr);
        gone();
        if (closed()) return;
    }
    pump();
}

/// Reads and parses while there is something and nobody is being answered, then sends what came of it.
void Connection::pump() {
    if (pumping_) return;
    pumping_ = true;
    for (int reads = 0; !closed();) {
        if ((receiving() || body_wanted()) && !unparsed().empty() && parse_kept()) continue;
        const bool wants = receiving() || body_wanted() || phase_ == Phase::tunnel || phase_ == Phase::lingering;
        if (!wants || !readable_) break;
        if (++reads > reads_a_turn_max) {
            shared_.loop.post([self = shared_from_this()] { self->pump(); });
            break;
        }
        read_once();
    }
    pumping_ = false;
    flush();
}

void Connection::read_once() {
    auto& scratch = shared_.scratch;
    const auto moved = transport_.read({scratch.data(), scratch.size()});
    switch (moved.io) {
        case net::Io::again:
            readable_ = false;
            return;
        case net::Io::plain_text:
            send_tls_hint(transport_.fd());
            return end(Tell::owner);
        case net::Io::closed:
            if (out_.empty() || body_unfinished()) return end(Tell::owner);
            peer_ended_ = true;  // a half-closed client still gets its answer
            readable_ = false;
            phase_ = Phase::lingering;
            return;
        case net::Io::done:
            break;
    }
    // A short read of a plain socket has emptied it: no need to be told `again`.
    if (!transport_.secure() && moved.bytes < scratch.size() && !peer_ended_) readable_ = false;
    if (phase_ != Phase::lingering) feed({scratch.data(), moved.bytes});
}

/// `bytes` lie in the shared buffer: what is not used at once is kept, because handlers may let others read.
void Connection::feed(std::string_view bytes) {
    if (phase_ == Phase::tunnel) return tunnel_arrived(bytes);
    if (!unparsed().empty()) {
        in_.erase(0, std::exchange(in_at_, 0));
        in_ += bytes;
        return;
    }
    std::size_t taken = 0;
    const auto step = parse(bytes, taken);
    in_at_ = 0;
    in_ = bytes.substr(taken);
    act(step);
}

/// One step through what was kept; false when it needs more bytes.
bool Connection::parse_kept() {
    std::size_t taken = 0;
    const auto step = parse(unparsed(), taken);
    in_at_ += taken;
    if (unparsed().empty()) in_ = {}, in_at_ = 0;
    act(step);
    return step != RequestParser::Step::more;
}

RequestParser::Step Connection::parse(std::string_view bytes, std::size_t& taken) {
    std::size_t blank = 0;
    if (phase_ == Phase::idle) {
        // Empty lines before a request are allowed (RFC 9112, 2.2).
        blank = std::min(bytes.find_first_not_of("\r\n"), bytes.size());
        taken = blank;
        if (blank == bytes.size()) return RequestParser::Step::more;
        phase_ = Phase::reading;
        since_ = shared_.loop.now();
        continued_ = false;
        parser_.begin();
    }
    const bool in_body = parser_.header_done();
    const auto step = parser_.put(bytes.substr(blank), taken);
    if (in_body && taken > 0) since_ = shared_.loop.now();
    taken += blank;
    return step;
}

void Connection::act(RequestParser::Step step) {
    if (incoming_) return body_arrived(step);
    if (step == RequestParser::Step::head) return dispatch_head();
    if (step == RequestParser::Step::done) return dispatch();
    if (step == RequestParser::Step::refused) return refuse(parser_.status(), parser_.message());
    if (phase_ == Phase::reading && parser_.header_done() && !std::exchange(continued_, true) &&
        parser_.expects_continue()) {
        out_.tail() += "HTTP/1.1 100 Continue\r\n\r\n";
    }
}

void Connection::tunnel_arrived(std::string_view bytes) {
    since_ = shared_.loop.now();
    if (!arrived_) {
        in_ += bytes;
        if (in_.size() > tunnel_early_bytes_max) end(Tell::owner);
        return;
    }
    const std::string own(bytes);
    auto arrived = std::exchange(arrived_, nullptr);
    arrived(own);
    if (!arrived_ && phase_ == Phase::tunnel) arrived_ = std::move(arrived);
}

/// The body follows when its reader asks for it; a client that expects it is told to go on then.
void Connection::dispatch_head() {
    incoming_ = std::make_shared<Incoming>([this] { ask_for_body(); });  // detached before we go
    dispatch();
}

void Connection::ask_for_body() {
    asked_ = shared_.loop.now();
    if (phase_ == Phase::answering && !std::exchange(continued_, true) && expects_continue_)
        out_.tail() += "HTTP/1.1 100 Continue\r\n\r\n";
    resume();
}

void Connection::body_arrived(RequestParser::Step step) {
    const auto incoming = incoming_;  // its reader may answer, and so end it
    asked_ = shared_.loop.now();
    incoming->arrived(parser_.take_body());
    if (step == RequestParser::Step::done) incoming->end();
    if (step != RequestParser::Step::refused) return;
    const auto code = parser_.status() == 413 ? base::Code::too_large : base::Code::bad_request;
    incoming->fail({code, std::string(parser_.message())});
}

void Connection::forget_body() {
    const auto incoming = std::exchange(incoming_, nullptr);
    if (incoming) orphaned_ ? incoming->abandon() : incoming->detach();
}

void Connection::dispatch() {
    phase_ = Phase::answering;
    ++requests_;
    http_1_1_ = parser_.http_1_1();
    keep_alive_ = parser_.keep_alive();
    expects_continue_ = parser_.expects_continue();
    auto request = parser_.take();
    request.stream = incoming_;
    head_request_ = request.method == "HEAD";
    request.remote_address = remote_address_;
    if (!identity_known_) {
        identity_known_ = true;
        if (auto name = transport_.peer_name()) {
            identity_ = PeerIdentity{std::move(name->common_name), std::move(name->organizations)};
        }
    }
    request.identity = identity_;
    shared_.handler(std::move(request), Reply(make_sink(shared_from_this())));
}

void Connection::refuse(int status, std::string_view message) {
    keep_alive_ = false;
    head_request_ = false;
    phase_ = Phase::answering;
    const auto& own = shared_.options.refusal;
    answer(own ? own(status, message) : plain_refusal(status, message));
}

/// A draining server says goodbye with an answer, but not while the client's next request is here already.
bool Connection::closes_after_answer() const {
    return !keep_alive_ || (incoming_ && !incoming_->complete()) ||
           (shared_.draining && unparsed().empty() && !bytes_wait(transport_.fd()));
}

void Connection::answer(Response response) {
    if (phase_ != Phase::answering) return;
    gone_ = nullptr;
    keep_alive_ = !closes_after_answer();
    queue(response);
    finished();
}

void Connection::queue(const Response& response) {
    const bool bodiless = response.status == 204 || response.status == 304 || response.status < 200;
    const std::size_t size = response.body ? response.body->size() : 0;
    append_head(out_.tail(), response.status, response.headers,
                {.framing = bodiless ? http::Framing::none : http::Framing::length,
                 .body_bytes = size,
                 .close = !keep_alive_,
                 .http_1_1 = http_1_1_,
                 .date = shared_.date.at(since_),
                 .fixed = shared_.options.fixed_head});
    if (!bodiless && !head_request_ && size > 0) out_.append(response.body);
}

/// The answer is complete in the outbox: on to the next request, or to the end.
void Connection::finished() {
    forget_body();
    phase_ = keep_alive_ ? Phase::idle : Phase::lingering;
    since_ = shared_.loop.now();
    if (!pumping_) resume();
}

void Connection::resume() {
    const auto self = shared_from_this();
    pump();
}

void Connection::start_stream(int status, const Headers& headers) {
    if (phase_ != Phase::answering) return;
    gone_ = nullptr;
    phase_ = Phase::streaming;
    since_ = shared_.loop.now();
    framing_ = head_request_ ? Framing::dropped : http_1_1_ ? Framing::chunked : Framing::raw;
    keep_alive_ = !closes_after_answer() && http_1_1_;
    append_head(out_.tail(), status, headers,
                {.framing = http_1_1_ ? http::Framing::chunked : http::Framing::none,
                 .close = !keep_alive_,
                 .http_1_1 = http_1_1_,
                 .date = shared_.date.at(since_),
                 .fixed = shared_.options.fixed_head});
    flush_queued_ = true;
    shared_.flush_soon(shared_from_this());
    if (peer_ended_) shared_.loop.post([self = shared_from_this()] { self->end(Tell::owner); });
}

void Connection::start_tunnel(Headers headers) {
    if (phase_ != Phase::answering) return;
    gone_ = nullptr;
    phase_ = Phase::tunnel;
    framing_ = Framing::raw;
    auto& text = out_.tail();
    text += "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n";
    for (const auto& [name, value] : headers.all()) text += name + ": " + value + "\r\n";
    text += "\r\n";
    shared_.flush_soon(shared_from_this());
}

void Connection::stream_write(std::shared_ptr<const std::string> bytes) {
    if ((phase_ != Phase::streaming && phase_ != Phase::tunnel) || !bytes || bytes->empty()) return;
    if (framing_ == Framing::dropped) return;
    if (out_.empty()) since_ = shared_.loop.now();
    if (framing_ == Framing::chunked) out_.tail() += chunk_line(bytes->size());
    out_.append(std::move(bytes));
    if (framing_ == Framing::chunked) out_.tail() += "\r\n";
    if (!std::exchange(flush_queued_, true)) shared_.flush_soon(shared_from_this());
}

void Connection::stream_end() {
    if (phase_ == Phase::tunnel) keep_alive_ = false;
    if (phase_ != Phase::streaming && phase_ != Phase::tunnel) return;
    if (framing_ == Framing::chunked) out_.tail() += "0\r\n\r\n";
    gone_ = nullptr;
    drained_ = nullptr;
    arrived_ = nullptr;
    finished();
}

void Connection::on_close(run::Callback gone) {
    if (orphaned_) return;
    if (closed() || (peer_ended_ && phase_ == Phase::answering && !body_unfinished()))
        return shared_.loop.post(std::move(gone));
    gone_ = std::move(gone);
}

void Connection::on_bytes(std::move_only_function<void(std::string_view)> arrived) {
    arrived_ = std::move(arrived);
    if (phase_ != Phase::tunnel || unparsed().empty()) return;
    const std::string early(unparsed());
    in_ = {};
    in_at_ = 0;
    tunnel_arrived(early);
}

void Connection::flush() {
    flush_queued_ = false;
    if (closed()) return;
    const bool had = !out_.empty();
    const auto left = out_.size();
    if (had && out_.flush(transport_) == net::Io::closed) return end(Tell::owner);
    if (out_.size() < left && (phase_ == Phase::streaming || phase_ == Phase::tunnel)) since_ = shared_.loop.now();
    if (!out_.empty()) return;
    if (phase_ == Phase::lingering) return linger();
    if (had && drained_) {
        auto drained = std::exchange(drained_, nullptr);
        const auto request = requests_;
        drained();
        const bool goes_on = request == requests_ && (phase_ == Phase::streaming || phase_ == Phase::tunnel);
        if (!drained_ && goes_on) drained_ = std::move(drained);
    }
}

/// All is sent: say so, then wait a little for the client to close first.
void Connection::linger() {
    if (peer_ended_) return end(Tell::nobody);
    if (!std::exchange(said_goodbye_, true)) transport_.shutdown_write();
}

void Connection::end(Tell tell) {
    if (closed()) return;
    const auto self = shared_from_this();
    phase_ = Phase::closed;
    shared_.poller.remove(transport_.fd(), *this);
    transport_.close();
    out_ = {};
    in_ = {};
    in_at_ = 0;
    drained_ = nullptr;
    arrived_ = nullptr;
    auto gone = std::exchange(gone_, nullptr);
    shared_.ended(*this);
    forget_body();
    if (tell == Tell::owner && gone) gone();
}

void Connection::abandon() {
    orphaned_ = true;
    end(Tell::nobody);
}

void Connection::close_if_idle() {
    if (phase_ != Phase::idle || !out_.empty()) return;
    if (bytes_wait(transport_.fd())) {
        readable_ = true;
        return resume();
    }
    end(Tell::owner);
}

run::Time Connection::check_deadline(run::Time now) {
    const auto& options = shared_.options;
    if (body_wanted() && now - asked_ >= parser_.plan().silence_max) {
        const auto self = shared_from_this();
        incoming_->fail({base::Code::bad_request, "the request's body did not arrive in time"});
    }
    run::Time due = now + options.idle_timeout;
    if (phase_ == Phase::lingering && out_.empty()) {
        due = since_ + linger_time;
    } else if (!transport_.established() || phase_ == Phase::reading) {
        due = since_ + options.header_timeout;
    } else if (phase_ == Phase::idle || !out_.empty()) {
        due = since_ + options.idle_timeout;
    }
    if (due > now) return due;
    if (phase_ == Phase::reading && transport_.established() && out_.empty()) {
        const auto self = shared_from_this();
        refuse(408, "the request did not arrive in time");
        return now + linger_time;
    }
    end(Tell::owner);
    return run::Time::max();
}

}  // namespace kit::http
