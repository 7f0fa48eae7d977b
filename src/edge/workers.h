// The edge's worker threads: blocking work (gRPC, netlink, mounts) in lanes. Work of one lane runs in order and one at
// a time; lanes run side by side, but no more heavy work at once than the machine gains from.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace edge {

class Workers {
 public:
    using Work = std::move_only_function<void()>;
    enum class Weight : std::uint8_t { light, start, pull };

    Workers() = default;
    /// Finishes what is queued, then joins.
    ~Workers() { stop(); }
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;

    /// An empty lane: on its own.
    void submit(const std::string& lane, Weight weight, Work work);
    void stop();

 private:
    struct Job {
        Weight weight;
        Work work;
    };
    struct Lane {
        std::deque<Job> jobs;
        bool busy = false;
    };
    static constexpr std::size_t threads_max = 10;
    void run();
    std::map<std::string, Lane>::iterator runnable();
    bool admits(Weight weight) const;

    std::mutex mutex_;
    std::condition_variable wake_;
    std::map<std::string, Lane> lanes_;
    std::deque<std::string> order_;  ///< lanes with waiting jobs, oldest first; a lane may stand here more than once
    std::map<Weight, int> running_;
    std::vector<std::thread> threads_;
    std::size_t idle_ = 0;
    std::uint64_t loners_ = 0;
    bool stopping_ = false;
};

}  // namespace edge
