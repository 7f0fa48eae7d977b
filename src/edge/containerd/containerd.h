// The private containerd: started as our child with a configuration of our own, adopted when it still runs from an
// earlier daemon, started again when it dies. It outlives us, as its tasks do, unless stop() is asked for.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "base/result.h"
#include "edge/fd.h"
#include "edge/paths.h"
#include "edge/reactor.h"

namespace edge {

class Containerd {
 public:
    /// `restarted` runs on the reactor's thread after each new start that follows a death.
    Containerd(const EdgeSettings& settings, Reactor& reactor, std::function<void(std::string what)> died);
    ~Containerd();

    /// Blocking (0.1 s when it must be started, else nothing): for an edge thread. Errors say what to do.
    base::Result<void> start();
    pid_t pid() const { return pid_; }

    /// Ends the containerd of these settings, whoever started it; fine when none runs. Blocking, up to 10 s.
    static base::Result<void> stop(const EdgeSettings& settings);

 private:
    base::Result<void> prepare() const;
    base::Result<void> spawn();
    base::Result<void> await_socket() const;
    void watch();
    void on_death();

    const EdgeSettings settings_;
    Reactor& reactor_;
    std::function<void(std::string)> died_;
    std::atomic<pid_t> pid_ = 0;
    Fd pidfd_;
    std::chrono::steady_clock::time_point started_{};
    int quick_deaths_ = 0;
    std::jthread restart_;
    Fd stopping_;  ///< an eventfd that ends the wait before a restart
};

/// The configuration as TOML.
std::string containerd_config(const EdgeSettings& settings);

}  // namespace edge
