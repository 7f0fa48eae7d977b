// Events that hold together with what they tell of: written in the same transaction as the change, delivered
// afterwards in order, at least once, until the receiver has acknowledged each. Receivers tell repeats by the
// event's id. Of several replicas one delivers at a time: it holds a lease, which is given back after each round and
// lapses when its holder dies. The order is that of the writing; transactions that overlap without sharing a row
// have none among themselves.
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
    run::Duration lease = std::chrono::seconds(5);  ///< how long the events of a replica that died wait for another
    run::Duration deliver_limit = std::chrono::seconds(30);  ///< a delivery that says nothing for so long has failed
    run::Duration retry_first = std::chrono::milliseconds(200);  ///< after a failure; doubled up to retry_last
    run::Duration retry_last = std::chrono::seconds(10);
};

class Outbox {
 public:
    /// The table, for the service's list of migrations.
    static Migration migration(int version);

    Outbox(Database& database, run::Loop& loop, Log& log, Metrics& metrics, Deliver deliver,
           OutboxOptions options = {});
    ~Outbox();
    /// Within the transaction that changes what the event tells of. An id that is there already is not added again.
    void add(Session& session, Event event, Done done);
    /// After that transaction: delivers at once rather than at the next look.
    void wake();
    /// Not yet delivered, as last counted (the gauge app_outbox_waiting).
    std::int64_t waiting() const;

 private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace kit::db
