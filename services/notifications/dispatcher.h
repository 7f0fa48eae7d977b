// Sends what waits, through its channel: the intent is written first, then it is sent, then that it was. What fails is
// tried again later and later, with jitter, and after some attempts, or when it is refused for good, becomes a dead
// letter. A process that dies between sending and writing leaves a delivery "sending": nobody can know whether it
// went, and `Unsure` says what is done with it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/rng.h"
#include "kit/db/due_work.h"
#include "kit/fault.h"
#include "kit/metrics.h"
#include "notifications/channels.h"
#include "notifications/circuit.h"
#include "notifications/ledger.h"

namespace notifications {

/// send_again: under the same id, by which a receiver can tell repeats; hold: a dead letter for a person to decide.
enum class Unsure : std::uint8_t { send_again, hold };

struct DispatcherOptions {
    std::int64_t attempts_max = 10;
    run::Duration again_first = std::chrono::seconds(1);  ///< doubled with each attempt, plus up to half of jitter
    run::Duration again_last = std::chrono::minutes(10);
    run::Duration lease = std::chrono::seconds(30);  ///< longer than a channel may take
    Unsure unsure = Unsure::send_again;
    CircuitOptions circuit;
};

class Dispatcher {
 public:
    Dispatcher(Ledger& ledger, kit::db::Database& database, run::Loop& loop, kit::Log& log, base::Rng& rng,
               kit::FaultSites& faults, DispatcherOptions options);

    void add(std::unique_ptr<Channel> channel, kit::Metrics& metrics);
    /// The channels that an event is to go to.
    std::vector<std::string> channels_for(const Event& event) const;
    /// Something new waits.
    void wake() {
        if (work_) work_->wake();
    }
    /// Begins nothing more; `done` when what is under way has come to its end.
    void stop(run::Callback done);

 private:
    struct Way {
        std::unique_ptr<Channel> channel;
        Circuit circuit;
        kit::Counter* sent = nullptr;
        kit::Counter* failed = nullptr;
        kit::Counter* dead = nullptr;
    };
    void handle(const std::string& id, kit::db::Done done);
    void loaded(const std::string& id, base::Result<Delivery> delivery, kit::db::Done done);
    void attempt(Way& way, const Delivery& delivery, kit::db::Done done);
    void attempted(Way& way, const Delivery& delivery, const base::Result<void>& result, kit::db::Done done);
    void keep_sent(const std::string& id, kit::db::Done done);
    void give_up(Way& way, const Delivery& delivery, const std::string& why, kit::db::Done done);
    run::Time again_after(std::int64_t attempts);
    run::Duration jitter(run::Duration most);

    Ledger& ledger_;
    run::Loop& loop_;
    kit::Log& log_;
    base::Rng& rng_;
    kit::FaultSites& faults_;
    DispatcherOptions options_;
    std::map<std::string, Way, std::less<>> ways_;
    std::unique_ptr<kit::db::DueWork> work_;  ///< null once stopped
    std::size_t under_way_ = 0;
    run::Callback stopped_;
    std::map<std::string, run::Timer> keeping_;  ///< what was sent and could not be written yet
};

}  // namespace notifications
