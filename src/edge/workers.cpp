// Threads are made when work waits and none is idle, and stay.
#include "edge/workers.h"

#include <algorithm>

namespace edge {

void Workers::submit(const std::string& lane, Weight weight, Work work) {
    const std::lock_guard lock(mutex_);
    const auto name = lane.empty() ? "\x01" + std::to_string(++loners_) : lane;
    lanes_[name].jobs.push_back({weight, std::move(work)});
    order_.push_back(name);
    if (idle_ < order_.size() && threads_.size() < threads_max && !stopping_) threads_.emplace_back([this] { run(); });
    wake_.notify_one();
}

bool Workers::admits(Weight weight) const {
    // More than four starts at once gain nothing on two cores; pulls must not take all threads.
    const int most = weight == Weight::start ? 4 : weight == Weight::pull ? 3 : static_cast<int>(threads_max);
    const auto found = running_.find(weight);
    return found == running_.end() || found->second < most;
}

std::map<std::string, Workers::Lane>::iterator Workers::runnable() {
    for (auto name = order_.begin(); name != order_.end(); ++name) {
        const auto lane = lanes_.find(*name);
        if (lane->second.busy || !admits(lane->second.jobs.front().weight)) continue;
        order_.erase(name);
        return lane;
    }
    return lanes_.end();
}

void Workers::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        const auto lane = runnable();
        if (lane == lanes_.end()) {
            if (stopping_ && order_.empty()) return;
            ++idle_;
            wake_.wait(lock);
            --idle_;
            continue;
        }
        auto job = std::move(lane->second.jobs.front());
        lane->second.jobs.pop_front();
        lane->second.busy = true;
        ++running_[job.weight];
        lock.unlock();
        job.work();
        job.work = nullptr;
        lock.lock();
        --running_[job.weight];
        lane->second.busy = false;
        if (lane->second.jobs.empty()) lanes_.erase(lane);
        wake_.notify_all();
    }
}

void Workers::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    for (auto& thread : threads_) {
        if (thread.joinable()) thread.join();
    }
    threads_.clear();
}

}  // namespace edge
