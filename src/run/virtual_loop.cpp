#include "run/virtual_loop.h"

namespace run {

struct VirtualLoop::Scheduled {
    Callback work;
};

class VirtualLoop::Handle final : public Timer::Entry {
 public:
    explicit Handle(std::shared_ptr<Scheduled> scheduled) : scheduled_(std::move(scheduled)) {}
    ~Handle() override { scheduled_->work = nullptr; }

 private:
    std::shared_ptr<Scheduled> scheduled_;
};

void VirtualLoop::schedule(Time due, std::uint64_t lot, std::shared_ptr<Scheduled> work) {
    queue_.emplace(std::tuple(due, lot, ++sequence_), std::move(work));
}

void VirtualLoop::post(Callback work) { schedule(now_, 0, std::make_shared<Scheduled>(std::move(work))); }

Timer VirtualLoop::after(Duration delay, Callback work) {
    auto scheduled = std::make_shared<Scheduled>(std::move(work));
    schedule(now_ + std::max(delay, Duration{0}), 1 + (rng_.next() >> 1), scheduled);
    return Timer(std::make_unique<Handle>(std::move(scheduled)));
}

bool VirtualLoop::step() {
    while (!queue_.empty()) {
        auto node = queue_.extract(queue_.begin());
        now_ = std::max(now_, std::get<0>(node.key()));
        auto scheduled = std::move(node.mapped());
        if (!scheduled->work) continue;
        auto work = std::move(scheduled->work);
        scheduled->work = nullptr;
        work();
        return true;
    }
    return false;
}

void VirtualLoop::run_until(Time end) {
    while (!queue_.empty() && std::get<0>(queue_.begin()->first) <= end) {
        // step() would pass over a dropped timer to the next live one, which may be due after `end`.
        if (queue_.begin()->second->work)
            step();
        else
            queue_.erase(queue_.begin());
    }
    now_ = std::max(now_, end);
}

}  // namespace run
