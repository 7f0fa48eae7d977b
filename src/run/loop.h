// One control thread: everything that holds state runs as callbacks of one Loop, in real or in virtual time.
// Threads at the edge (disk, gRPC, files) never touch state: they post back.
#pragma once

#include <functional>
#include <memory>

#include "base/time.h"

namespace run {

using base::Duration;
using base::Time;
using Callback = std::move_only_function<void()>;

class Clock {
 public:
    virtual ~Clock() = default;
    /// Wall time; in simulation the virtual one.
    virtual Time now() const = 0;
};

/// A pending callback: dropping it (or cancel) makes sure that it never runs.
class Timer {
 public:
    class Entry {
     public:
        virtual ~Entry() = default;
    };
    Timer() = default;
    explicit Timer(std::unique_ptr<Entry> entry) : entry_(std::move(entry)) {}
    void cancel() { entry_.reset(); }
    explicit operator bool() const { return entry_ != nullptr; }

 private:
    std::unique_ptr<Entry> entry_;
};

class Loop : public Clock {
 public:
    /// Runs `work` on the control thread, after what was posted before it. The only call that any thread may make.
    virtual void post(Callback work) = 0;
    /// Runs `work` once, `delay` from now (never before returning), unless the Timer is dropped first.
    [[nodiscard]] virtual Timer after(Duration delay, Callback work) = 0;
};

}  // namespace run
