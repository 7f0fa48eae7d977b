#include "kit/net/poller.h"

#include <sys/epoll.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstring>

namespace kit::net {
namespace {
constexpr int batch_max = 64;  ///< then the loop's other work gets its turn
}

struct Poller::State : std::enable_shared_from_this<Poller::State> {
    State(boost::asio::io_context& io, int fd) : descriptor(io, fd) {}

    void wait() {
        auto again = [weak = weak_from_this()](const boost::system::error_code& error) {
            const auto self = weak.lock();
            if (self && !error) self->run_batch();
        };
        descriptor.async_wait(boost::asio::posix::stream_descriptor::wait_read, std::move(again));
    }

    void run_batch() {
        const auto self = shared_from_this();  // a watcher may destroy the Poller
        size = ::epoll_wait(descriptor.native_handle(), batch.data(), batch_max, 0);
        for (at = 0; at < size; ++at) {
            auto* watcher = static_cast<Watcher*>(batch[at].data.ptr);
            if (watcher) watcher->on_ready(batch[at].events);
        }
        size = 0;
        if (descriptor.is_open()) wait();
    }

    boost::asio::posix::stream_descriptor descriptor;
    std::array<epoll_event, batch_max> batch;
    int size = 0;
    int at = 0;
};

base::Result<std::unique_ptr<Poller>> Poller::create(boost::asio::io_context& io) {
    const int fd = ::epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0) {
        return base::fail(base::Code::unavailable, std::string("cannot make an epoll set: ") + std::strerror(errno));
    }
    auto state = std::make_shared<State>(io, fd);
    state->wait();
    return std::unique_ptr<Poller>(new Poller(std::move(state)));
}

Poller::Poller(std::shared_ptr<State> state) : state_(std::move(state)) {}

Poller::~Poller() {
    for (auto& event : state_->batch) event.data.ptr = nullptr;
    state_->descriptor.close();
}

base::Result<void> Poller::add(int fd, std::uint32_t events, Watcher& watcher) {
    epoll_event event{.events = events, .data = {.ptr = &watcher}};
    if (::epoll_ctl(state_->descriptor.native_handle(), EPOLL_CTL_ADD, fd, &event) != 0) {
        return base::fail(base::Code::unavailable, std::string("cannot watch a socket: ") + std::strerror(errno));
    }
    return {};
}

void Poller::change(int fd, std::uint32_t events, Watcher& watcher) {
    epoll_event event{.events = events, .data = {.ptr = &watcher}};
    ::epoll_ctl(state_->descriptor.native_handle(), EPOLL_CTL_MOD, fd, &event);
}

void Poller::remove(int fd, Watcher& watcher) {
    ::epoll_ctl(state_->descriptor.native_handle(), EPOLL_CTL_DEL, fd, nullptr);
    for (int i = state_->at; i < state_->size; ++i) {
        if (state_->batch[i].data.ptr == &watcher) state_->batch[i].data.ptr = nullptr;
    }
}

}  // namespace kit::net
