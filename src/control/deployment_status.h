// What a Deployment's status says of its ReplicaSets: counts, and the conditions that `rollout status` reads.
#pragma once

#include <optional>

#include "control/deployment_math.h"

namespace control {

struct Condition {
    std::string_view type, status, reason;
    std::string message;
};
/// Sets a condition as upstream does: nothing when status and reason stay; the transition time stays with the status.
void set_condition(json::object& status, Condition condition, Time now);
void drop_condition(json::object& status, std::string_view type);

struct Situation {
    const Object& deployment;
    const Wish& wish;
    const Sets& all;    ///< old ones and the newest
    const Set* newest;  ///< null while there is none
    Time now;
};
/// The status after this pass, progress conditions included.
json::object rollout_status(const Situation& situation);
/// Counts and Available only, as while scaling or paused.
json::object counted_status(const Situation& situation);
/// All pods are of the newest set and available.
bool complete(const Wish& wish, Ref status, std::int64_t generation);
/// When the progress deadline must be looked at again; nothing when it need not be.
std::optional<Duration> deadline_left(const Situation& situation, Ref status);

}  // namespace control
