// The promise of a rolling update, checked at every change: never fewer ready than allowed, never more pods than
// replicas and surge. Rule: what a fault took does not count against the controllers, but only until it is made good. A
// restart brings back an earlier state, which was looked at when it was new: what is missing in it was excused then.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "sim/objects.h"
#include "sim/world.h"

namespace sim {

struct Promise {
    std::int64_t least_ready = 0;
    std::int64_t most_alive = 0;
};

/// Watches the pods of namespace default from now on, when all are ready. Keep it as long as the world runs.
class RolloutGuard {
 public:
    explicit RolloutGuard(Promise promise) : promise_(promise) {}
    bool enough_ready(const World& world);
    bool not_too_many(const World& world) const { return world.alive() <= promise_.most_alive; }

 private:
    struct Seen {
        bool ready = false, leaving = false;
        int faults = 0;  ///< of the machine, when it became ready
    };
    void take(const World& world);

    Promise promise_;
    std::map<std::string, Seen> seen_;
    std::set<std::string> hit_;  ///< pods that a fault made unready and that may come back
    int restarts_ = 0;
    std::int64_t lost_to_faults_ = 0;  ///< such pods that were then taken away, until all is good again
};

/// Adds both promises to the world.
void guard(World& world, Promise promise);

/// The deployment's pods are all of that version, ready and available, and its status says so.
bool rolled_out(const World& world, const std::string& version, std::int64_t replicas);
/// Nothing stands on the machine that no pod asks for, and no pod without it.
bool no_orphans(const World& world);
/// A deployment and its service, up and ready; from then on guarded, and its service too.
void begin_guarded(World& world, const Web& web);

}  // namespace sim
