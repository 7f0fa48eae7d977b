// The simulated loop: time stands still while work runs and jumps to the next timer when none is left.
// The order of what is due together is decided by an Rng, so one seed is one history.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "base/rng.h"
#include "run/loop.h"

namespace run {

class VirtualLoop final : public Loop {
 public:
    explicit VirtualLoop(std::uint64_t seed, Time start = Time{std::chrono::sys_days{std::chrono::January / 1 / 2030}})
        : rng_(seed), now_(start) {}
    Time now() const override { return now_; }
    void post(Callback work) override;
    Timer after(Duration delay, Callback work) override;

    /// Runs one callback, if need be after moving time forward; false when nothing is left to run.
    bool step();
    /// Runs everything that is due until `end`, then stands at `end`.
    void run_until(Time end);
    /// The chance that simulated parts draw from: the same stream orders the callbacks.
    base::Rng& rng() { return rng_; }

 private:
    struct Scheduled;
    class Handle;
    base::Rng rng_;
    Time now_;
    std::uint64_t sequence_ = 0;
    /// Ordered by due time, then by a drawn number, then by sequence (posted work keeps its order).
    std::map<std::tuple<Time, std::uint64_t, std::uint64_t>, std::shared_ptr<Scheduled>> queue_;
    void schedule(Time due, std::uint64_t lot, std::shared_ptr<Scheduled> work);
};

}  // namespace run
