// What a pod asks of its node, in the units that the scheduler adds up.
#pragma once

#include <cstdint>

#include "object/json.h"

namespace engine {

struct PodUse {
    std::int64_t cpu_milli = 0;
    std::int64_t memory_bytes = 0;
    std::int64_t ephemeral_bytes = 0;
    std::int64_t pods = 0;

    PodUse& operator+=(const PodUse& other);
    PodUse& operator-=(const PodUse& other);
    bool operator==(const PodUse&) const = default;
};

/// A quantity in thousandths and in whole units, rounded up; 0 for what is none.
std::int64_t quantity_milli(object::Ref quantity);
std::int64_t quantity_whole(object::Ref quantity);
/// The sum that upstream schedules by: containers and sidecars together, or the largest init container if that is
/// more, plus overhead; requests fall back to what the pod asks for as a whole.
PodUse requests_of(object::Ref pod);
/// A finished pod holds nothing of its node.
bool holds_resources(object::Ref pod);

}  // namespace engine
