// The simulated disk under the store's journal. Rule: what was appended is lost at a crash unless it became durable,
// and it becomes durable in order. While the disk is full nothing does; it is tried again each second.
#pragma once

#include <deque>
#include <map>

#include "base/rng.h"
#include "run/loop.h"
#include "sim/faults.h"
#include "store/store.h"

namespace sim {

class Disk final : public store::Journal {
 public:
    Disk(run::Loop& loop, base::Rng& rng, const Faults& faults) : loop_(loop), rng_(rng), faults_(faults) {}

    void append(store::EventPtr event) override;
    void on_durable(std::function<void(store::Revision)> durable) override { durable_ = std::move(durable); }

    /// Makes everything durable now, if there is room: what an answer to the outside waits for.
    void sync();
    /// The process dies: what is not durable is gone, nobody listens any more.
    void crash();
    store::Loaded load() const;
    std::size_t lost() const { return lost_; }

 private:
    void arm();
    void write(std::size_t count);

    run::Loop& loop_;
    base::Rng& rng_;
    const Faults& faults_;
    std::deque<store::EventPtr> pending_;
    std::map<store::Key, object::ObjectPtr> objects_;
    store::Revision revision_ = 0;
    std::function<void(store::Revision)> durable_;
    run::Timer timer_;
    std::size_t lost_ = 0;
};

}  // namespace sim
