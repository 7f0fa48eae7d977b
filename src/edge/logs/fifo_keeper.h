// A FIFO's unread bytes live as long as somebody has it open. When a container ends while no daemon runs, its shim
// closes the FIFOs and the last lines would be gone: so one small process beside containerd keeps their read ends. It
// outlives us as containerd does. It is a bash that reads orders from a FIFO of its own: nothing to build or install,
// 2 MB, asleep but for two orders a container.
#pragma once

#include <string>

#include "edge/fd.h"
#include "edge/paths.h"

namespace edge {

class FifoKeeper {
 public:
    explicit FifoKeeper(const EdgeSettings& settings) : settings_(settings) {}

    /// Starts the keeper, or finds the one that runs. For an edge thread.
    base::Result<void> start();
    // From any thread; orders are carried out in order, soon after.
    /// The read end: what was written stays until it is read.
    void keep(const std::string& id, const std::string& fifo);
    /// Both ends: whoever reads from it waits, and never sees its end (the stdin of a container nobody attached to).
    void hold(const std::string& id, const std::string& fifo);
    void drop(const std::string& id);

    /// Ends the keeper of these settings; fine when none runs.
    static void stop(const EdgeSettings& settings);

 private:
    void order(const std::string& line);

    EdgeSettings settings_;
    Fd orders_;
};

}  // namespace edge
