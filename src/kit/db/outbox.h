// Events that hold together with what they tell of: written in the same transaction as the change, delivered
// afterwards in order, at least once, until the receiver has acknowledged each. Receivers tell repeats by the
// event's id.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "kit/context.h"
#include "kit/db/database.h"
#include "kit/metrics.h"

namespace kit::db {

struct Event {
    std::string id;       ///< a UUID
    std::string type;     ///< order.placed
    std::string subject;  ///< order/7f0c...
    std::string json;     ///< the whole event as it is sent (docs/guide/services.md)
};

/// Sends one event; an Error: it is tried again later, with what follows it.
using Deliver = std::function<void(const Event&, Done)>;

struct OutboxOptions {
    std::size_t batch = 64;
    run::Duration look_every = std::chrono::seconds(1);  ///< also for what another replica wrote and left
    run::Duration keep_delivered = std::chrono::hours(1);
};

class Outbox {
 public:
    /// The table, for the service's list of migrations.
    static Migration migration(int version);

    Outbox(Database& database, run::Loop& loop, Log& log, Metrics& metrics, Deliver deliver,
           OutboxOptions options = {});
    ~Outbox();
    /// Within the transaction that changes what the event tells of.
    void add(Session& session, Event event, Done done);
    /// After that transaction: delivers at once rather than at the next look.
    void wake();
    /// Not yet delivered, as last counted.
    std::int64_t waiting() const;

 private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace kit::db
