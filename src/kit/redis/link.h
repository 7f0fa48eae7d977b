// One connection to Redis on the loop: hiredis speaks the protocol, an epoll set of ours says when. It greets (AUTH,
// INFO, PING), then answers commands in their order; it ends once, and then answers everything that was on its way.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "kit/net/poller.h"
#include "kit/redis/redis.h"

struct redisAsyncContext;

namespace kit::redis {

class Link final : public net::Watcher, public std::enable_shared_from_this<Link> {
 public:
    struct Events {
        std::function<void()> up;
        /// It will not come back; commands on their way are answered after this.
        std::function<void(const base::Error& why)> ended;
    };
    Link(net::Poller& poller, run::Loop& loop, Events events)
        : poller_(poller), loop_(loop), events_(std::move(events)) {}
    ~Link();
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    /// `address` is an IPv4 address or the path of a UNIX socket.
    void connect(const std::string& address, std::uint16_t port, const std::string& password, run::Duration limit);
    /// Only while it is up.
    void command(const std::vector<std::string>& words, run::Duration limit, Answer answer);
    /// Without a word to anybody.
    void close();
    bool up() const { return state_ == State::up; }
    /// The server's run_id; empty when it does not say.
    const std::string& run() const { return run_; }
    bool ended() const { return state_ == State::ended; }
    std::size_t in_flight() const { return in_flight_.size(); }
    void on_ready(std::uint32_t events) override;

 private:
    enum class State : std::uint8_t { greeting, up, ended };
    struct Pending {
        run::Time due;
        Answer answer;
    };
    void send(const std::vector<std::string>& words, run::Duration limit, Answer answer);
    void plan_limit();
    void take(void* reply);
    void watch(std::uint32_t events);
    void want_write();
    void lost();
    void end(base::Error why);
    static Link* of(const redisAsyncContext* context);
    void hook();

    net::Poller& poller_;
    run::Loop& loop_;
    Events events_;
    redisAsyncContext* context_ = nullptr;
    State state_ = State::greeting;
    std::string run_;
    std::deque<Pending> in_flight_;
    run::Timer limit_;
    run::Time limit_at_{};
    std::uint32_t watched_ = 0;
    bool write_planned_ = false;
    bool connected_ = false;  ///< the socket is
};

}  // namespace kit::redis
