// Sockets around network/dns.h. Everything is bounded: queries under way, connections, how long either may take.
#include "edge/dns_socket.h"

#include <arpa/inet.h>

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <fstream>
#include <functional>
#include <sstream>
#include <vector>

#include "network/dns.h"
#include "network/services.h"

namespace edge {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;
using Error = boost::system::error_code;
using network::DnsReply;
using network::Transport;

constexpr std::size_t forwards_max = 256, connections_max = 64, message_max = 65535;
constexpr auto resolver_patience = std::chrono::seconds(2);
constexpr auto connection_patience = std::chrono::seconds(10);
constexpr std::uint16_t dns_port = 53;

using Answered = std::function<void(std::string)>;  ///< "": nobody answered

/// One query on its way through the machine's resolvers, each asked in turn.
class Forward : public std::enable_shared_from_this<Forward> {
 public:
    Forward(asio::io_context& io, std::vector<std::string> resolvers, std::string query, Answered done)
        : socket_(io), timer_(io), resolvers_(std::move(resolvers)), query_(std::move(query)), done_(std::move(done)) {}

    void ask_next() {
        Error error;
        socket_.close(error);
        if (next_ == resolvers_.size()) return done_("");
        const udp::endpoint resolver(asio::ip::make_address(resolvers_[next_++], error), dns_port);
        if (!error) socket_.open(udp::v4(), error);
        if (!error) socket_.connect(resolver, error);
        if (!error) socket_.send(asio::buffer(query_), 0, error);
        if (error) return ask_next();
        const auto turn = next_;
        timer_.expires_after(resolver_patience);
        timer_.async_wait([self = shared_from_this(), turn](const Error& cancelled) {
            if (!cancelled && turn == self->next_) self->ask_next();
        });
        receive();
    }

 private:
    void receive() {
        const auto turn = next_;
        socket_.async_receive(
            asio::buffer(buffer_), [self = shared_from_this(), turn](const Error& error, std::size_t size) {
                if (turn != self->next_ || error == asio::error::operation_aborted) return;
                if (error) return self->ask_next();
                // an answer to another question than ours is somebody's forgery or a straggler
                if (size < 2 || self->buffer_[0] != self->query_[0] || self->buffer_[1] != self->query_[1])
                    return self->receive();
                self->timer_.cancel();
                self->done_(std::string(self->buffer_.data(), size));
            });
    }

    udp::socket socket_;
    asio::steady_timer timer_;
    std::vector<std::string> resolvers_;
    std::string query_;
    Answered done_;
    std::size_t next_ = 0;
    std::array<char, 4096> buffer_{};
};

/// IPv4 resolvers of the file but those that lead back to us.
std::vector<std::string> read_resolvers(const std::string& path, const std::string& own) {
    std::vector<std::string> out;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string keyword, address;
        in_addr parsed{};
        if (words >> keyword >> address && keyword == "nameserver" && address != own &&
            inet_pton(AF_INET, address.c_str(), &parsed) == 1)
            out.push_back(address);
    }
    return out;
}

}  // namespace

class DnsSocket::State : public std::enable_shared_from_this<State> {
 public:
    State(asio::io_context& io, const network::Services& services, std::string address, DnsOptions options)
        : io_(io),
          services_(services),
          address_(std::move(address)),
          options_(std::move(options)),
          udp_(io),
          tcp_(io) {}

    base::Result<void> start();
    void stop() {
        Error ignored;
        stopped_ = true;
        udp_.close(ignored);
        tcp_.close(ignored);
    }

    /// Calls `done` with the answer's bytes; never when there is nothing to answer.
    void answer(const std::string& query, Transport transport, Answered done);

 private:
    struct Connection {
        explicit Connection(tcp::socket s) : socket(std::move(s)), timer(socket.get_executor()) {}
        tcp::socket socket;
        asio::steady_timer timer;
        std::array<unsigned char, 2> size{};
        std::string query, answer;
    };
    using ConnectionPtr = std::shared_ptr<Connection>;

    void receive();
    void accept();
    void read(const ConnectionPtr& connection);
    void write(const ConnectionPtr& connection, const std::string& answer);
    void forward(std::string query, Answered done);

    asio::io_context& io_;
    const network::Services& services_;
    std::string address_;
    DnsOptions options_;
    udp::socket udp_;
    udp::endpoint asker_;
    std::array<char, 4096> buffer_{};
    tcp::acceptor tcp_;
    std::size_t forwards_ = 0, connections_ = 0;
    bool stopped_ = false;
};

base::Result<void> DnsSocket::State::start() {
    Error error;
    const auto address = asio::ip::make_address(address_, error);
    const udp::endpoint udp_place(address, options_.port);
    const tcp::endpoint tcp_place(address, options_.port);
    const auto step = [&](auto&& call) {
        if (!error) call();
    };
    step([&] { udp_.open(udp::v4(), error); });
    step([&] { udp_.bind(udp_place, error); });
    step([&] { tcp_.open(tcp::v4(), error); });
    step([&] { tcp_.set_option(tcp::acceptor::reuse_address(true), error); });
    step([&] { tcp_.bind(tcp_place, error); });
    step([&] { tcp_.listen(tcp::acceptor::max_listen_connections, error); });
    if (error)
        return base::fail(base::Code::unavailable, "DNS cannot listen on " + address_ + ":" +
                                                       std::to_string(options_.port) + ": " + error.message());
    receive();
    accept();
    return {};
}

void DnsSocket::State::forward(std::string query, Answered done) {
    auto resolvers = read_resolvers(options_.resolvers, address_);
    if (resolvers.empty() || forwards_ >= forwards_max) return done("");
    ++forwards_;
    auto counted = [self = shared_from_this(), done = std::move(done)](std::string answer) {
        --self->forwards_;
        if (!self->stopped_) done(std::move(answer));
    };
    std::make_shared<Forward>(io_, std::move(resolvers), std::move(query), std::move(counted))->ask_next();
}

void DnsSocket::State::answer(const std::string& query, Transport transport, Answered done) {
    using What = DnsReply::What;
    auto reply = network::answer_dns(services_.zone(), query, transport, options_.service_cidr);
    if (reply.what == What::answer) return done(std::move(reply.bytes));
    if (reply.what == What::forward)
        return forward(query, [query, done = std::move(done)](std::string answer) {
            done(answer.empty() ? network::dns_failure(query) : std::move(answer));
        });
    if (reply.what == What::follow)
        forward(reply.query, [alias = std::move(reply.bytes), done = std::move(done)](const std::string& followed) {
            done(followed.empty() ? alias : network::with_followed(alias, followed));
        });
}

void DnsSocket::State::receive() {
    udp_.async_receive_from(asio::buffer(buffer_), asker_,
                            [self = shared_from_this()](const Error& error, std::size_t size) {
                                if (self->stopped_ || error == asio::error::operation_aborted) return;
                                if (!error)
                                    self->answer(std::string(self->buffer_.data(), size), Transport::udp,
                                                 [self, asker = self->asker_](const std::string& answer) {
                                                     Error ignored;
                                                     if (!answer.empty())
                                                         self->udp_.send_to(asio::buffer(answer), asker, 0, ignored);
                                                 });
                                self->receive();
                            });
}

void DnsSocket::State::accept() {
    tcp_.async_accept([self = shared_from_this()](const Error& error, tcp::socket socket) {
        if (self->stopped_ || error == asio::error::operation_aborted) return;
        if (!error && self->connections_ < connections_max) {
            auto* state = self.get();
            ++state->connections_;
            const auto counted = [self](Connection* connection) {
                --self->connections_;
                delete connection;
            };
            state->read(ConnectionPtr(new Connection(std::move(socket)), counted));
        }
        self->accept();
    });
}

void DnsSocket::State::read(const ConnectionPtr& connection) {
    connection->timer.expires_after(connection_patience);
    connection->timer.async_wait([weak = std::weak_ptr(connection)](const Error& cancelled) {
        Error ignored;
        if (const auto held = weak.lock(); held && !cancelled) held->socket.close(ignored);
    });
    asio::async_read(
        connection->socket, asio::buffer(connection->size),
        [self = shared_from_this(), connection](const Error& error, std::size_t) {
            if (error || self->stopped_) return;
            connection->query.resize(static_cast<std::size_t>(connection->size[0] << 8 | connection->size[1]));
            asio::async_read(
                connection->socket, asio::buffer(connection->query),
                [self, connection](const Error& broken, std::size_t) {
                    if (broken || self->stopped_) return;
                    self->answer(connection->query, Transport::tcp,
                                 [self, connection](const std::string& answer) { self->write(connection, answer); });
                });
        });
}

void DnsSocket::State::write(const ConnectionPtr& connection, const std::string& answer) {
    if (answer.empty() || answer.size() > message_max) return;
    connection->answer = {static_cast<char>(answer.size() >> 8), static_cast<char>(answer.size() & 255)};
    connection->answer += answer;
    asio::async_write(connection->socket, asio::buffer(connection->answer),
                      [self = shared_from_this(), connection](const Error& error, std::size_t) {
                          if (!error && !self->stopped_) self->read(connection);
                      });
}

DnsSocket::DnsSocket(asio::io_context& io, const network::Services& services, std::string address, DnsOptions options)
    : state_(std::make_shared<State>(io, services, std::move(address), std::move(options))) {}

DnsSocket::~DnsSocket() { state_->stop(); }

base::Result<void> DnsSocket::start() { return state_->start(); }

}  // namespace edge
