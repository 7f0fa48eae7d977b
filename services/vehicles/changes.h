// What follows every change of a vehicle: its event, written in the same transaction, and afterwards what others may
// have kept of it is forgotten before anybody hears that the change is done.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kit/db/outbox.h"
#include "kit/redis/cache.h"
#include "vehicles/vehicle.h"
#include "vehicles/wish.h"

namespace vehicles {

enum class Change : std::uint8_t { added, changed, removed };

/// Keys of the cache: one vehicle, and a page of the list; "" for pages that are not kept.
std::string cache_key(std::int64_t id);
std::string cache_key(const Wish& wish);

class Changes {
 public:
    /// Without `outbox` nobody is told of changes, without `cache` nothing is kept.
    Changes(const run::Clock& clock, kit::db::Outbox* outbox, kit::redis::Cache* cache)
        : clock_(clock), outbox_(outbox), cache_(cache) {}
    /// Within the transaction of the change; `traceparent` of the request that caused it.
    void record(kit::db::Session& session, Change change, const Vehicle& vehicle, const std::string& traceparent,
                kit::db::Done done);
    /// What a dealer's import did.
    struct Import {
        std::string dealer_id;
        std::int64_t added = 0, changed = 0, failed = 0;
        std::string traceparent;
    };
    void record(kit::db::Session& session, const Import& import, kit::db::Done done);
    /// After its commit.
    void committed(const std::vector<std::int64_t>& ids, run::Callback done);

 private:
    const run::Clock& clock_;
    kit::db::Outbox* outbox_;
    kit::redis::Cache* cache_;
};

}  // namespace vehicles
