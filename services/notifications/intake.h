// Where events come in: from the Redis stream and by HTTP. What concerns nobody is passed over; the rest is kept once,
// with its notice and its deliveries.
#pragma once

#include <functional>
#include <vector>

#include "kit/redis/event_log.h"
#include "notifications/dispatcher.h"
#include "notifications/ledger.h"

namespace notifications {

class Intake {
 public:
    Intake(Ledger& ledger, Dispatcher& dispatcher, const Templates& templates, kit::Log& log)
        : ledger_(ledger), dispatcher_(dispatcher), templates_(templates), log_(log) {}

    void take(std::vector<Event> events, Answer<Taken> answer);
    /// An entry of the stream; `done` tells whether it need not come again.
    void take_entry(const kit::redis::Entry& entry, std::move_only_function<void(bool done)> done);
    /// Called when notices were added.
    void on_taken(std::function<void()> taken) { taken_ = std::move(taken); }

 private:
    Ledger& ledger_;
    Dispatcher& dispatcher_;
    const Templates& templates_;
    kit::Log& log_;
    std::function<void()> taken_ = [] {};
};

}  // namespace notifications
