// Where a pod may go beside other pods: required affinity and anti-affinity, and constraints on how evenly pods spread.
#pragma once

#include <string_view>

#include "control/workload.h"

namespace control {

/// Why `pod` may not go to `node` because of the pods on it and on other nodes, in upstream's words; "" when it may.
/// `helpless` says whether the reason stands even if other pods leave.
struct NeighbourRefusal {
    std::string_view reason;
    bool helpless = false;
};
NeighbourRefusal neighbour_refusal(Ref pod, const Object& node, const engine::View& view);

/// Whether a new neighbour could help the pod.
bool wants_neighbours(Ref pod);

}  // namespace control
