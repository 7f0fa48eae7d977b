// One epoll thread for what the edge must hear of at once: log FIFOs, the end of processes. It sleeps in the kernel
// while nothing happens. Callbacks run on its thread and must not block for long.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "edge/fd.h"

namespace edge {

class Reactor {
 public:
    using Ready = std::function<void(std::uint32_t events)>;
    using Work = std::move_only_function<void()>;

    Reactor();
    ~Reactor() { stop(); }
    Reactor(const Reactor&) = delete;
    Reactor& operator=(const Reactor&) = delete;

    /// From any thread: runs on the reactor's thread, in order.
    void post(Work work);
    void stop();

    // On the reactor's thread only. The caller keeps the descriptor open until forget().
    void watch(int fd, std::uint32_t events, Ready ready);
    void forget(int fd);
    void after(std::chrono::milliseconds delay, Work work);

 private:
    void run();
    void run_posted();
    int run_timers();

    Fd epoll_, wake_;
    std::mutex mutex_;
    std::vector<Work> posted_;
    std::atomic<bool> stopping_ = false;
    std::map<int, std::shared_ptr<Ready>> ready_;
    std::multimap<std::chrono::steady_clock::time_point, Work> timers_;
    std::thread thread_;
};

}  // namespace edge
