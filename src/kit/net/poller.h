// Readiness of many sockets at the price of one: an epoll set of our own that hangs in the io_context as a single
// descriptor. A busy connection costs its read and its write, nothing else; an idle one costs nothing.
// Everything here runs on the loop's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>

#include "base/result.h"

namespace kit::net {

class Watcher {
 public:
    /// `events` is a set of EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR.
    virtual void on_ready(std::uint32_t events) = 0;

 protected:
    ~Watcher() = default;
};

class Poller {
 public:
    static base::Result<std::unique_ptr<Poller>> create(boost::asio::io_context& io);
    ~Poller();
    Poller(const Poller&) = delete;
    Poller& operator=(const Poller&) = delete;

    base::Result<void> add(int fd, std::uint32_t events, Watcher& watcher);
    void change(int fd, std::uint32_t events, Watcher& watcher);
    /// After this `watcher` is not called again, not even for what was already ready.
    void remove(int fd, Watcher& watcher);

 private:
    struct State;
    explicit Poller(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
};

}  // namespace kit::net
