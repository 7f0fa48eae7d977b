// What follows every change of a vehicle: its event, written in the same transaction, and afterwards what others may
// have kept of it is forgotten before anybody hears that the change is done.
#pragma once

#include <cstdint>
#include <vector>

#include "kit/db/database.h"
#include "vehicles/vehicle.h"

namespace vehicles {

enum class Change : std::uint8_t { added, changed, removed };

class Changes {
 public:
    /// Within the transaction of the change.
    void record(kit::db::Session& session, Change change, const Vehicle& vehicle, kit::db::Done done);
    /// After its commit.
    void committed(std::vector<std::int64_t> ids, run::Callback done);
};

}  // namespace vehicles
