// Batches become durable after a drawn time, all of a batch together.
#include "sim/disk.h"

namespace sim {

using namespace std::chrono_literals;

void Disk::append(store::EventPtr event) {
    pending_.push_back(std::move(event));
    if (!timer_) arm();
}

void Disk::arm() {
    const auto slow = rng_.chance(faults_.slow_disk);
    base::Duration delay = slow ? 20ms : 100us;
    delay = faults_.disk_full ? base::Duration(1s) : delay * static_cast<std::int64_t>(1 + rng_.below(20));
    timer_ = loop_.after(delay, [this, count = pending_.size()] {
        timer_.cancel();
        write(count);
        if (!pending_.empty() && !timer_) arm();
    });
}

void Disk::write(std::size_t count) {
    if (faults_.disk_full) return;
    for (; count > 0 && !pending_.empty(); --count) {
        const auto event = std::move(pending_.front());
        pending_.pop_front();
        revision_ = event->revision;
        if (event->type == store::EventType::deleted)
            objects_.erase(event->key);
        else
            objects_[event->key] = event->object;
    }
    if (durable_) durable_(revision_);
}

void Disk::sync() {
    if (faults_.disk_full) return;
    timer_.cancel();
    write(pending_.size());
}

void Disk::crash() {
    timer_.cancel();
    lost_ += pending_.size();
    pending_.clear();
    durable_ = nullptr;
}

store::Loaded Disk::load() const { return {revision_, {objects_.begin(), objects_.end()}}; }

}  // namespace sim
