// Stops asking a channel that fails again and again: after some failures in a row it rests, then one try may show
// whether it is well again.
#pragma once

#include <cstdint>

#include "run/loop.h"

namespace notifications {

struct CircuitOptions {
    int failures = 5;
    run::Duration rest = std::chrono::seconds(10);
};

class Circuit {
 public:
    explicit Circuit(CircuitOptions options = {}) : options_(options) {}
    /// True when a try may be made now; while it is open only one at a time may.
    bool lets_through(run::Time now) {
        if (failures_ < options_.failures) return true;
        if (now < open_until_) return false;
        open_until_ = now + options_.rest;  // others wait for what this one finds
        return true;
    }
    void worked() { failures_ = 0; }
    void failed(run::Time now) {
        if (++failures_ >= options_.failures) open_until_ = now + options_.rest;
    }
    /// When it may be tried next, after lets_through() said no.
    run::Time open_until() const { return open_until_; }
    bool open(run::Time now) const { return failures_ >= options_.failures && now < open_until_; }

 private:
    CircuitOptions options_;
    int failures_ = 0;
    run::Time open_until_{};
};

}  // namespace notifications
