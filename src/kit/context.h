// What a request carries with it through every call that is made for it: the trace that it belongs to, when its
// answer is due, and whether anybody still waits for it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/rng.h"
#include "run/loop.h"

namespace kit {

/// W3C Trace Context (https://www.w3.org/TR/trace-context/): lower-case hexadecimal, version 00.
struct Trace {
    std::string id;      ///< 32 digits
    std::string span;    ///< 16 digits: this service's part
    std::string parent;  ///< 16 digits of the caller, or ""
    bool sampled = false;

    /// The trace that `traceparent` names with a span of our own; a new one when it is absent or broken.
    static Trace of(std::string_view traceparent, base::Rng& rng);
    /// The header for a call that belongs to this span.
    std::string traceparent() const;
};

class Context {
 public:
    Context() = default;
    Context(Trace trace, std::optional<run::Time> deadline)
        : trace_(std::move(trace)), deadline_(deadline), gone_(std::make_shared<bool>(false)) {}

    const Trace& trace() const { return trace_; }
    /// Nothing: work that nobody waits for.
    std::optional<run::Time> deadline() const { return deadline_; }
    /// True when the client went away or the deadline has passed: work that has not begun may be given up.
    bool over(run::Time now) const { return (gone_ && *gone_) || (deadline_ && now >= *deadline_); }
    /// What is left, at most `most`; never negative.
    run::Duration left(run::Time now, run::Duration most) const;
    /// For whoever serves the request: all copies see it.
    void cancel() const {
        if (gone_) *gone_ = true;
    }

 private:
    Trace trace_;
    std::optional<run::Time> deadline_;
    std::shared_ptr<bool> gone_;
};

}  // namespace kit
