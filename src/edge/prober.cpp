// One small object a probe, which lives as long as its operations.
#include "edge/prober.h"

#include <fmt/format.h>

#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

namespace edge {
namespace {

namespace asio = boost::asio;
using tcp_socket = asio::ip::tcp::socket;
using TlsSocket = asio::ssl::stream<tcp_socket>;
using boost::system::error_code;

std::string words(const error_code& error) {
    if (error == asio::error::connection_refused) return "connect: connection refused";
    if (error == asio::error::host_unreachable) return "connect: no route to host";
    return error.message();
}

/// Connects, by address or by name.
void connect(asio::io_context& io, tcp_socket& socket, const std::string& host, int port,
             std::function<void(error_code)> done) {
    error_code no_address;
    const auto address = asio::ip::make_address(host, no_address);
    if (!no_address) {
        socket.async_connect({address, static_cast<std::uint16_t>(port)}, std::move(done));
        return;
    }
    auto resolver = std::make_shared<asio::ip::tcp::resolver>(io);
    resolver->async_resolve(
        host, std::to_string(port), [&socket, resolver, done = std::move(done)](error_code error, const auto& found) {
            if (error) return done(error);
            asio::async_connect(socket, found, [resolver, done](error_code failed, const auto&) { done(failed); });
        });
}

class TcpProbe : public std::enable_shared_from_this<TcpProbe> {
 public:
    TcpProbe(asio::io_context& io, node::Done<void> done) : io_(io), socket_(io), done_(std::move(done)) {}
    void run(run::Loop& loop, const std::string& host, int port, base::Duration timeout) {
        where_ = fmt::format("dial tcp {}:{}: ", host, port);
        timer_ = loop.after(timeout, [self = shared_from_this()] {
            self->end(base::fail(base::Code::timeout, self->where_ + "i/o timeout"));
        });
        connect(io_, socket_, host, port, [self = shared_from_this()](error_code error) {
            if (error) return self->end(base::fail(base::Code::unavailable, self->where_ + words(error)));
            self->end({});
        });
    }

 private:
    void end(base::Result<void> result) {
        if (!done_) return;
        error_code ignored;
        socket_.close(ignored);
        auto done = std::exchange(done_, nullptr);
        timer_.cancel();  // holds this
        done(std::move(result));
    }
    asio::io_context& io_;
    tcp_socket socket_;
    node::Done<void> done_;
    std::string where_;
    run::Timer timer_;
};

template <class Stream>
class HttpProbe : public std::enable_shared_from_this<HttpProbe<Stream>> {
 public:
    HttpProbe(asio::io_context& io, Stream stream, node::Prober::Http request,
              node::Done<node::Prober::HttpAnswer> done)
        : io_(io), stream_(std::move(stream)), request_(std::move(request)), done_(std::move(done)) {}

    void run(run::Loop& loop, base::Duration timeout) {
        timer_ = loop.after(timeout, [self = this->shared_from_this()] {
            self->fail(base::Code::timeout,
                       "context deadline exceeded (Client.Timeout exceeded while awaiting headers)");
        });
        connect(io_, socket(), request_.host, request_.port, [self = this->shared_from_this()](error_code error) {
            if (error)
                return self->fail(base::Code::unavailable, fmt::format("dial tcp {}:{}: {}", self->request_.host,
                                                                       self->request_.port, words(error)));
            self->shake_hands();
        });
    }

 private:
    tcp_socket& socket() {
        if constexpr (std::is_same_v<Stream, TlsSocket>) {
            return stream_.next_layer();
        } else {
            return stream_;
        }
    }
    void shake_hands() {
        if constexpr (std::is_same_v<Stream, TlsSocket>) {
            stream_.async_handshake(asio::ssl::stream_base::client,
                                    [self = this->shared_from_this()](error_code error) {
                                        if (error) return self->fail(base::Code::unavailable, words(error));
                                        self->send();
                                    });
        } else {
            send();
        }
    }
    void send() {
        text_ = probe_request(request_);
        asio::async_write(stream_, asio::buffer(text_),
                          [self = this->shared_from_this()](error_code error, std::size_t) {
                              if (error) return self->fail(base::Code::unavailable, words(error));
                              self->text_.clear();
                              self->read();
                          });
    }
    void read() {
        stream_.async_read_some(
            asio::buffer(chunk_), [self = this->shared_from_this()](error_code error, std::size_t got) {
                self->text_.append(self->chunk_.data(), got);
                auto reply = read_probe_reply(self->text_, error ? ReplyEnd::closed : ReplyEnd::open);
                if (reply.complete) return self->end(std::move(reply.answer));
                if (reply.broken)
                    return self->fail(base::Code::unavailable,
                                      error && self->text_.empty() ? "EOF" : "malformed HTTP response");
                self->read();
            });
    }
    void fail(base::Code code, const std::string& why) {
        end(base::fail(code, fmt::format("Get \"{}://{}:{}{}\": {}", request_.scheme.empty() ? "http" : request_.scheme,
                                         request_.host, request_.port, request_.path, why)));
    }
    void end(base::Result<node::Prober::HttpAnswer> result) {
        if (!done_) return;
        const auto self = this->shared_from_this();
        error_code ignored;
        socket().close(ignored);
        auto done = std::exchange(done_, nullptr);
        timer_.cancel();
        done(std::move(result));
    }

    asio::io_context& io_;
    Stream stream_;
    node::Prober::Http request_;
    node::Done<node::Prober::HttpAnswer> done_;
    std::string text_;
    std::array<char, 4096> chunk_{};
    run::Timer timer_;
};

}  // namespace

struct Prober::Tls {
    asio::ssl::context context{asio::ssl::context::tls_client};
};

Prober::Prober(asio::io_context& io, run::Loop& loop) : io_(io), loop_(loop), grpc_(loop) {}
Prober::~Prober() = default;

void Prober::http(Http request, base::Duration timeout, node::Done<HttpAnswer> done) {
    if (request.scheme != "https" && request.scheme != "HTTPS") {
        const auto probe =
            std::make_shared<HttpProbe<tcp_socket>>(io_, tcp_socket(io_), std::move(request), std::move(done));
        return probe->run(loop_, timeout);
    }
    if (!tls_) {
        tls_ = std::make_unique<Tls>();
        tls_->context.set_verify_mode(asio::ssl::verify_none);  // as a kubelet: a probe asks for life, not for identity
    }
    const auto probe =
        std::make_shared<HttpProbe<TlsSocket>>(io_, TlsSocket(io_, tls_->context), std::move(request), std::move(done));
    probe->run(loop_, timeout);
}

void Prober::tcp(std::string host, int port, base::Duration timeout, node::Done<void> done) {
    std::make_shared<TcpProbe>(io_, std::move(done))->run(loop_, host, port, timeout);
}

}  // namespace edge
