// Descriptors, posted work and the few timers of the edge.
#include "edge/reactor.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>

namespace edge {

Reactor::Reactor() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    base::check(epoll_ && wake_, "the edge's epoll set can be made");
    epoll_event event{.events = EPOLLIN, .data = {.fd = wake_.get()}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event);
    thread_ = std::thread([this] { run(); });
}

void Reactor::post(Work work) {
    {
        const std::lock_guard lock(mutex_);
        posted_.push_back(std::move(work));
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
}

void Reactor::stop() {
    if (!thread_.joinable()) return;
    post([this] { stopping_ = true; });
    thread_.join();
}

void Reactor::watch(int fd, std::uint32_t events, Ready ready) {
    ready_[fd] = std::make_shared<Ready>(std::move(ready));
    epoll_event event{.events = events, .data = {.fd = fd}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
}

void Reactor::forget(int fd) {
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
    ready_.erase(fd);
}

void Reactor::run_posted() {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(wake_.get(), &count, sizeof count);
    std::vector<Work> work;
    {
        const std::lock_guard lock(mutex_);
        work.swap(posted_);
    }
    for (auto& each : work) each();
}

void Reactor::after(std::chrono::milliseconds delay, Work work) {
    timers_.emplace(std::chrono::steady_clock::now() + delay, std::move(work));
}

/// Milliseconds until the next timer; -1 when there is none.
int Reactor::run_timers() {
    const auto now = std::chrono::steady_clock::now();
    while (!timers_.empty() && timers_.begin()->first <= now) {
        auto work = timers_.extract(timers_.begin());
        work.mapped()();
    }
    if (timers_.empty()) return -1;
    return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(timers_.begin()->first - now).count());
}

void Reactor::run() {
    std::array<epoll_event, 32> events{};
    while (!stopping_) {
        const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), run_timers());
        for (int i = 0; i < count; ++i) {
            if (events[i].data.fd == wake_.get()) {
                run_posted();
                continue;
            }
            const auto found = ready_.find(events[i].data.fd);  // an earlier callback may have forgotten it
            if (found == ready_.end()) continue;
            const auto ready = found->second;
            (*ready)(events[i].events);
        }
    }
}

}  // namespace edge
