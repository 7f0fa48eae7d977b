// Rows that wait for work: each is due at a time, and is claimed by one of several processes for the length of a
// lease, so that a step that a dead process left is taken up by another. Work must be repeatable: a lease that lapses
// while its holder is only slow means that two do the same step.
//
// The table has the columns `id` (text), `due_at`, `lease_until` (milliseconds since 1970) and `tries` (how often a
// step failed since it last went on). Whoever finishes a step sets `due_at`, `lease_until` and `tries` itself, in the
// transaction that writes what came of it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "kit/db/database.h"
#include "kit/log.h"

namespace kit::db {

/// `due_at` of a row that waits for nothing.
inline constexpr std::int64_t never = 9'000'000'000'000'000;
inline constexpr std::int64_t milliseconds(run::Time time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}
/// The moment that `milliseconds` gave; of `never`, the last one that there is.
inline constexpr run::Time time_of(std::int64_t milliseconds) {
    return milliseconds >= never ? run::Time::max() : run::Time(std::chrono::milliseconds(milliseconds));
}

struct DueWorkOptions {
    std::string table;
    std::size_t at_once = 16;                                    ///< rows in work at the same time, in this process
    run::Duration lease = std::chrono::seconds(15);              ///< longer than a step's longest call
    run::Duration look_every = std::chrono::seconds(1);          ///< also for what other processes left
    run::Duration again_first = std::chrono::milliseconds(200);  ///< after a failure; doubled with each
    run::Duration again_last = std::chrono::seconds(30);
};

class DueWork {
 public:
    /// Does the step that is due for the row `id`; an Error: it is due again, later each time.
    using Handle = std::function<void(std::string id, Done)>;

    DueWork(Database& database, run::Loop& loop, Log& log, DueWorkOptions options, Handle handle);
    ~DueWork();
    DueWork(const DueWork&) = delete;
    DueWork& operator=(const DueWork&) = delete;
    /// After a change that made something due: looks at once.
    void wake();
    /// When a lease that is taken now ends: for who does a step without having been given it.
    std::int64_t lease_end() const;
    std::size_t in_work() const;

 private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace kit::db
