// The client's pool: for each host its connections and who waits for one. A name is resolved on a thread of Asio's.
#include "kit/http/client.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "kit/http/client_connection.h"
#include "run/asio_loop.h"

namespace kit::http {
namespace {

using CallPtr = std::shared_ptr<ClientCall>;
using ConnectionPtr = std::shared_ptr<ClientConnection>;
constexpr std::size_t scratch_bytes = 64 * 1024;
constexpr auto sweep_shortest = std::chrono::milliseconds(10);
constexpr auto sweep_longest = std::chrono::seconds(5);

struct Host {
    Url url;
    std::vector<ConnectionPtr> all;   ///< being connected, idle or busy
    std::vector<ConnectionPtr> idle;  ///< the one used last at the back
    std::deque<CallPtr> waiting;
    std::size_t resolving = 0;

    std::size_t opening() const {
        return resolving + static_cast<std::size_t>(
                               std::ranges::count(all, ClientConnection::Phase::connecting, &ClientConnection::phase));
    }
};

class LoopClient final : public Client, public ConnectionOwner {
 public:
    LoopClient(boost::asio::io_context& io, ClientOptions options, std::unique_ptr<net::Poller> poller)
        : loop_(io),
          options_(std::move(options)),
          poller_(std::move(poller)),
          resolver_(io),
          scratch_(scratch_bytes, '\0') {}
    ~LoopClient() override;

    void send(Outgoing request, Answered answered) override;
    std::unique_ptr<Exchange> stream(Outgoing request, Pieces pieces) override;
    std::size_t connections() const override {
        std::size_t count = 0;
        for (const auto& [origin, host] : hosts_) count += host.all.size();
        return count;
    }
    std::size_t waiting() const override { return waiting_; }
    /// Its caller has gone.
    void give_up(ClientCall& call);

    void free(ClientConnection& connection) override;
    void lost(ClientConnection& connection, const base::Error* why) override;
    void again(CallPtr call) override;
    std::string& scratch() override { return scratch_; }
    net::Poller& poller() override { return *poller_; }
    run::Loop& loop() override { return loop_; }

 private:
    void start(const CallPtr& call);
    void enqueue(const CallPtr& call);
    void leave_queue(ClientCall& call);
    void plan_deadline(const CallPtr& call, run::Duration wait);
    void expire(const CallPtr& call);
    void fail_later(CallPtr call, base::Error error);
    void pump(Host& host);
    ConnectionPtr idle_one(Host& host);
    void open(Host& host);
    void connect(Host& host, std::vector<in_addr> addresses);
    void cannot_connect(Host& host, const base::Error& why);
    base::Result<std::shared_ptr<net::TlsContext>> tls_for(const Url& url);
    void remove(Host& host, const ClientConnection& connection);
    void plan_sweep();
    void sweep();

    run::AsioLoop loop_;
    ClientOptions options_;
    std::unique_ptr<net::Poller> poller_;
    boost::asio::ip::tcp::resolver resolver_;
    std::string scratch_;
    std::map<std::string, Host> hosts_;
    std::size_t waiting_ = 0;
    std::shared_ptr<net::TlsContext> tls_;
    run::Timer sweep_timer_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);

    friend class CallHandle;
};

/// What a streaming caller holds.
class CallHandle final : public Exchange {
 public:
    CallHandle(LoopClient& client, CallPtr call)
        : client_(client), client_alive_(client.alive_), call_(std::move(call)) {}
    ~CallHandle() override {
        if (!std::exchange(call_->over, true) && *client_alive_) client_.give_up(*call_);
    }
    void pause() override { call_->paused = true; }
    void resume() override {
        if (!std::exchange(call_->paused, false)) return;
        client_.loop().post([weak = call_->connection] {
            if (const auto connection = weak.lock()) connection->resume();
        });
    }
    void write(std::string_view bytes) override {
        if (call_->over || call_->finished) return;
        if (const auto connection = call_->connection.lock()) return connection->write(bytes);
        call_->early += bytes;
    }
    void finish() override {
        if (call_->over || std::exchange(call_->finished, true)) return;
        if (const auto connection = call_->connection.lock()) connection->finish();
    }
    std::size_t pending() const override {
        const auto connection = call_->connection.lock();
        return connection && !call_->over ? connection->pending() : call_->early.size();
    }
    void on_drain(run::Callback drained) override { call_->drained = std::move(drained); }

 private:
    LoopClient& client_;
    std::shared_ptr<bool> client_alive_;
    CallPtr call_;
};

LoopClient::~LoopClient() {
    *alive_ = false;
    for (auto& [origin, host] : hosts_) {
        for (const auto& connection : std::exchange(host.all, {})) connection->abandon();
    }
}

void LoopClient::send(Outgoing request, Answered answered) {
    auto call = std::make_shared<ClientCall>();
    call->request = std::move(request);
    call->request.sending = Sending::whole;
    call->answered = std::move(answered);
    start(call);
}

std::unique_ptr<Exchange> LoopClient::stream(Outgoing request, Pieces pieces) {
    auto call = std::make_shared<ClientCall>();
    call->request = std::move(request);
    call->pieces = std::move(pieces);
    call->streams = true;
    start(call);
    return std::make_unique<CallHandle>(*this, std::move(call));
}

void LoopClient::start(const CallPtr& call) {
    call->body = std::make_shared<const std::string>(std::move(call->request.body));
    auto url = parse_url(call->request.url);
    if (!url) return fail_later(call, std::move(url).error());
    if (call->request.method.empty() || !std::ranges::all_of(call->request.method, [](char c) {
            return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-';
        })) {
        return fail_later(call, {base::Code::invalid, "the method of a request is not a word"});
    }
    call->url = std::move(*url);
    if (waiting_ >= options_.waiting_max) {
        return fail_later(call, {base::Code::unavailable,
                                 fmt::format("{}: too many requests wait for a connection", call->url.origin())});
    }
    plan_deadline(call, call->request.timeout);
    enqueue(call);
    pump(hosts_.at(call->url.origin()));
}

void LoopClient::enqueue(const CallPtr& call) {
    auto& host = hosts_[call->url.origin()];
    host.url = call->url;
    host.waiting.push_back(call);
    call->queued = true;
    ++waiting_;
}

void LoopClient::leave_queue(ClientCall& call) {
    if (std::exchange(call.queued, false)) --waiting_;
}

void LoopClient::fail_later(CallPtr call, base::Error error) {
    loop_.post([call = std::move(call), error = std::move(error)]() mutable { call->fail(std::move(error)); });
}

void LoopClient::plan_deadline(const CallPtr& call, run::Duration wait) {
    call->deadline = loop_.after(wait, [this, alive = alive_, weak = std::weak_ptr(call)] {
        const auto held = weak.lock();
        if (*alive && held) expire(held);
    });
}

/// A body that is still being sent is in time as long as it moves.
void LoopClient::expire(const CallPtr& call) {
    if (call->over) return;
    const auto timeout = call->request.timeout;
    if (const auto connection = call->connection.lock()) {
        const auto since = loop_.now() - connection->last_moved();
        if (call->request.sending == Sending::streamed && !call->finished && since < timeout) {
            return plan_deadline(call, timeout - since);
        }
        return connection->time_out(timeout);
    }
    leave_queue(*call);  // it stays there, over, until its turn comes
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count();
    call->fail({base::Code::timeout, fmt::format("{}: no answer in {} ms", call->url.origin(), ms)});
}

void LoopClient::give_up(ClientCall& call) {
    call.deadline.cancel();
    const auto connection = call.connection.lock();
    if (!connection) return leave_queue(call);
    auto& host = hosts_.at(call.url.origin());
    connection->abandon();
    remove(host, *connection);
    loop_.post([this, alive = alive_, origin = call.url.origin()] {
        if (!*alive) return;
        if (const auto found = hosts_.find(origin); found != hosts_.end()) pump(found->second);
    });
}

void LoopClient::again(CallPtr call) {
    auto& host = hosts_[call->url.origin()];
    host.url = call->url;
    call->connection.reset();
    // What else was kept alive has most likely met the same end.
    for (const auto& idle : std::vector(host.idle)) {
        idle->abandon();
        remove(host, *idle);
    }
    call->queued = true;
    ++waiting_;
    host.waiting.push_front(std::move(call));
    pump(host);
}

ConnectionPtr LoopClient::idle_one(Host& host) {
    while (!host.idle.empty()) {
        auto connection = host.idle.back();
        host.idle.pop_back();
        if (connection->alive()) return connection;
        connection->abandon();
        remove(host, *connection);
    }
    return nullptr;
}

/// Gives free connections to who waits longest, and opens as many as are missing.
void LoopClient::pump(Host& host) {
    while (!host.waiting.empty()) {
        if (!host.waiting.front()->over) {
            auto connection = idle_one(host);
            if (!connection) break;
            auto call = std::move(host.waiting.front());
            leave_queue(*call);
            host.waiting.pop_front();
            connection->carry(std::move(call));
        } else {
            host.waiting.pop_front();
        }
    }
    const auto wanted = host.waiting.size();
    for (auto opening = host.opening(); opening < wanted; ++opening) {
        if (host.all.size() + host.resolving >= options_.connections_per_host_max) return;
        open(host);
    }
}

void LoopClient::open(Host& host) {
    in_addr literal{};
    if (::inet_pton(AF_INET, host.url.host.c_str(), &literal) == 1) return connect(host, {literal});
    ++host.resolving;
    const auto origin = host.url.origin();
    resolver_.async_resolve(
        boost::asio::ip::tcp::v4(), host.url.host, "",
        [this, alive = alive_, origin](const boost::system::error_code& error, const auto& found) {
            if (!*alive) return;
            auto& asked = hosts_.at(origin);
            --asked.resolving;
            std::vector<in_addr> addresses;
            for (const auto& entry : found) {
                const auto bytes = entry.endpoint().address().to_v4().to_uint();
                addresses.push_back(in_addr{htonl(bytes)});
            }
            if (!addresses.empty()) return connect(asked, std::move(addresses));
            const auto why = error ? error.message() : std::string("it has no IPv4 address");
            cannot_connect(asked, {base::Code::unavailable, fmt::format("{}: the name is not known: {}", origin, why)});
        });
}

base::Result<std::shared_ptr<net::TlsContext>> LoopClient::tls_for(const Url& url) {
    if (!url.secure) return nullptr;
    if (!tls_) tls_ = TRY(net::TlsContext::for_client(options_.ca_pem));
    return tls_;
}

void LoopClient::connect(Host& host, std::vector<in_addr> addresses) {
    auto tls = tls_for(host.url);
    if (!tls) return cannot_connect(host, tls.error());
    auto connection = std::make_shared<ClientConnection>(*this, host.url);
    const auto address = addresses.front();
    connection->more.assign(addresses.begin() + 1, addresses.end());
    host.all.push_back(connection);
    if (auto begun = connection->connect(address, *tls, options_.connect_timeout); !begun) {
        connection->abandon();
        remove(host, *connection);
        return cannot_connect(host, std::move(begun).error().in(host.url.origin()));
    }
    if (!sweep_timer_) plan_sweep();
}

/// Who waits goes on waiting while there is a connection that may serve it.
void LoopClient::cannot_connect(Host& host, const base::Error& why) {
    if (!host.all.empty() || host.resolving > 0) return;
    for (auto& call : std::exchange(host.waiting, {})) {
        if (call->over) continue;
        leave_queue(*call);
        fail_later(call, why);
    }
}

void LoopClient::free(ClientConnection& connection) {
    auto& host = hosts_.at(connection.url().origin());
    host.idle.push_back(connection.shared_from_this());
    pump(host);
}

void LoopClient::lost(ClientConnection& connection, const base::Error* why) {
    auto& host = hosts_.at(connection.url().origin());
    auto more = std::move(connection.more);
    remove(host, connection);
    if (why && !more.empty()) return connect(host, std::move(more));
    if (why) return cannot_connect(host, *why);
    loop_.post([this, alive = alive_, origin = connection.url().origin()] {
        if (!*alive) return;
        if (const auto found = hosts_.find(origin); found != hosts_.end()) pump(found->second);
    });
}

void LoopClient::remove(Host& host, const ClientConnection& connection) {
    const auto same = [&](const ConnectionPtr& one) { return one.get() == &connection; };
    std::erase_if(host.idle, same);
    std::erase_if(host.all, same);
}

void LoopClient::plan_sweep() {
    const auto period = std::clamp<run::Duration>(options_.idle_timeout / 4, sweep_shortest, sweep_longest);
    sweep_timer_ = loop_.after(period, [this] { sweep(); });
}

/// Closes what has been idle too long and forgets hosts that nobody asks any more.
void LoopClient::sweep() {
    const auto now = loop_.now();
    for (auto& [origin, host] : hosts_) {
        for (const auto& connection : std::vector(host.idle)) {
            if (now - connection->last_moved() < options_.idle_timeout) continue;
            connection->abandon();
            remove(host, *connection);
        }
    }
    std::erase_if(hosts_, [](const auto& entry) {
        const auto& host = entry.second;
        return host.all.empty() && host.waiting.empty() && host.resolving == 0;
    });
    sweep_timer_.cancel();
    if (!hosts_.empty()) plan_sweep();
}

}  // namespace

std::unique_ptr<Client> make_client(boost::asio::io_context& io, ClientOptions options) {
    auto poller = net::Poller::create(io);
    base::check(poller.has_value(), "there are file descriptors for a client");
    return std::make_unique<LoopClient>(io, std::move(options), std::move(*poller));
}

}  // namespace kit::http
