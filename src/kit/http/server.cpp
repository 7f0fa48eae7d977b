// The server: accepts, keeps the books of its connections, looks at their deadlines now and then, drains.
#include "kit/http/server.h"

#include <sys/epoll.h>

#include <algorithm>

#include "kit/http/connection.h"
#include "kit/http/listener.h"
#include "run/asio_loop.h"

namespace kit::http {
namespace {

constexpr int accepts_a_turn_max = 64;
constexpr std::size_t scratch_bytes = 64 * 1024;
constexpr run::Duration sweep_longest = std::chrono::seconds(5);
constexpr run::Duration sweep_draining = std::chrono::milliseconds(200);
constexpr auto sweep_shortest = std::chrono::milliseconds(20);
constexpr auto listener_lingers = std::chrono::milliseconds(50);

class LoopServer final : public Server, public net::Watcher {
 public:
    LoopServer(boost::asio::io_context& io, ServerOptions options, Handler handler, Listener listener,
               std::unique_ptr<net::Poller> poller, std::shared_ptr<net::TlsContext> tls)
        : options_(std::move(options)),
          handler_(std::move(handler)),
          loop_(io),
          poller_(std::move(poller)),
          tls_(std::move(tls)),
          listener_(std::move(listener)),
          shared_{.options = options_,
                  .handler = handler_,
                  .poller = *poller_,
                  .loop = loop_,
                  .scratch = std::string(scratch_bytes, '\0'),
                  .ended = [this](Connection& connection) { forget(connection); },
                  .flush_soon = [this](std::shared_ptr<Connection> connection) { flush_soon(std::move(connection)); }} {
    }

    ~LoopServer() override {
        *alive_ = false;
        shared_.ended = [](Connection&) {};
        for (const auto& connection : std::exchange(connections_, {})) connection->abandon();
        if (listener_.fd() >= 0) poller_->remove(listener_.fd(), *this);
    }

    base::Result<void> start() { return poller_->add(listener_.fd(), EPOLLIN, *this); }

    std::uint16_t port() const override { return listener_.port(); }
    std::size_t connections() const override { return connections_.size(); }

    void on_ready(std::uint32_t) override {
        for (int i = 0; i < accepts_a_turn_max; ++i) {
            if (connections_.size() >= options_.connections_max) return pause_listener();
            if (!accept_one()) return;
        }
    }

    void drain(run::Duration grace, run::Duration limit, run::Callback done) override {
        shared_.draining = true;
        drained_ = std::move(done);
        if (!connections_.empty()) plan_sweep();
        listener_.hold_off();
        while (accept_one()) {
        }
        listener_timer_ = loop_.after(std::min<run::Duration>(grace, listener_lingers), [this] { stop_listening(); });
        grace_timer_ = loop_.after(grace, [this] { close_idle(); });
        limit_timer_ = loop_.after(limit, [this] { cut_all(); });
    }

 private:
    /// False when nobody waits.
    bool accept_one() {
        auto accepted = listener_.accept();
        if (accepted.exhausted) pause_listener();
        if (accepted.fd < 0) return false;
        auto connection = std::make_shared<Connection>(shared_, accepted.fd, tls_, std::move(accepted.address));
        if (!connection->start()) return true;
        connection->index = connections_.size();
        connections_.push_back(std::move(connection));
        if (!sweep_timer_) plan_sweep();
        return true;
    }

    /// Who waits stays in the accept queue until the next sweep or the next end of a connection.
    void pause_listener() {
        if (std::exchange(paused_, true)) return;
        poller_->change(listener_.fd(), 0, *this);
        if (!sweep_timer_) plan_sweep();
    }

    void resume_listener() {
        if (!paused_ || listener_.fd() < 0 || connections_.size() >= options_.connections_max) return;
        paused_ = false;
        poller_->change(listener_.fd(), EPOLLIN, *this);
    }

    void stop_listening() {
        if (listener_.fd() < 0) return;
        while (accept_one()) {
        }
        poller_->remove(listener_.fd(), *this);
        listener_.close();
        finish_drain();
    }

    void close_idle() {
        stop_listening();
        for (const auto& connection : std::vector(connections_)) connection->close_if_idle();
        grace_over_ = true;
        finish_drain();
    }

    void cut_all() {
        for (const auto& connection : std::vector(connections_)) connection->cut();
        finish_drain();
    }

    void finish_drain() {
        if (!drained_ || listener_.fd() >= 0 || !connections_.empty()) return;
        grace_timer_.cancel();
        limit_timer_.cancel();
        loop_.post(std::exchange(drained_, nullptr));
    }

    void forget(Connection& connection) {
        const auto at = connection.index;
        std::swap(connections_[at], connections_.back());
        connections_[at]->index = at;
        connections_.pop_back();
        resume_listener();
        if (shared_.draining) finish_drain();
    }

    void plan_sweep() {
        const auto shortest = std::min(options_.header_timeout, options_.idle_timeout);
        const auto longest = shared_.draining ? sweep_draining : sweep_longest;
        const auto period = std::clamp<run::Duration>(shortest / 4, sweep_shortest, longest);
        sweep_timer_ = loop_.after(period, [this] { sweep(); });
    }

    void sweep() {
        const auto now = loop_.now();
        for (const auto& connection : std::vector(connections_)) {
            if (!connection->closed()) connection->check_deadline(now);
            if (grace_over_ && !connection->closed()) connection->close_if_idle();
        }
        resume_listener();
        sweep_timer_.cancel();
        if (!connections_.empty() || paused_) plan_sweep();
    }

    void flush_soon(std::shared_ptr<Connection> connection) {
        to_flush_.push_back(std::move(connection));
        if (to_flush_.size() > 1) return;
        loop_.post([this, alive = alive_] {
            if (!*alive) return;
            for (const auto& waiting : std::exchange(to_flush_, {})) waiting->flush();
        });
    }

    ServerOptions options_;
    Handler handler_;
    run::AsioLoop loop_;
    std::unique_ptr<net::Poller> poller_;
    std::shared_ptr<net::TlsContext> tls_;
    Listener listener_;
    Shared shared_;
    std::vector<std::shared_ptr<Connection>> connections_;
    std::vector<std::shared_ptr<Connection>> to_flush_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    run::Timer sweep_timer_;
    run::Timer listener_timer_;
    run::Timer grace_timer_;
    run::Timer limit_timer_;
    run::Callback drained_;
    bool paused_ = false;
    bool grace_over_ = false;
};

}  // namespace

base::Result<std::unique_ptr<Server>> serve(boost::asio::io_context& io, ServerOptions options, Handler handler) {
    std::shared_ptr<net::TlsContext> tls;
    if (options.tls) {
        const auto& files = *options.tls;
        tls = TRY(net::TlsContext::create(files.certificate_pem, files.key_pem, files.client_ca_pem));
    }
    auto listener = TRY(Listener::open(options.address, options.port));
    auto poller = TRY(net::Poller::create(io));
    auto server = std::make_unique<LoopServer>(io, std::move(options), std::move(handler), std::move(listener),
                                               std::move(poller), std::move(tls));
    TRY(server->start());
    return server;
}

}  // namespace kit::http
