// What a pod asks for and may take, in the units that the kernel is told: shares, quotas, OOM scores. Follows the
// kubelet's formulas.
#pragma once

#include <cstdint>
#include <string_view>

#include "object/json.h"

namespace node {

/// The larger-or-equal whole number of divisors: resourceFieldRef's value.
std::int64_t divided(std::string_view quantity, std::string_view divisor);

std::int64_t cpu_shares(std::int64_t milli_cpu);
/// For a period of 100 ms; 0 when there is no limit.
std::int64_t cpu_quota_us(std::int64_t milli_cpu);

enum class Qos : std::uint8_t { guaranteed, burstable, best_effort };
Qos qos_of(object::Ref pod);
std::string_view cgroup_name(Qos qos);
std::int64_t oom_score_adj(Qos qos, std::int64_t memory_request, std::int64_t memory_capacity);

/// What all containers of a pod may take together: the sum of the mains, the largest init container, plus sidecars.
struct PodResources {
    std::int64_t milli_cpu_request = 0;
    std::int64_t milli_cpu_limit = 0;  ///< 0: at least one container has none
    std::int64_t memory_limit = 0;     ///< 0: at least one container has none
};
/// What is stated for the pod as a whole stands for the sum.
PodResources pod_resources(object::Ref spec);
/// The limit of "cpu" or "memory" that a container keeps to: its own, else the pod's.
object::Ref limit_of(object::Ref pod_spec, object::Ref container, std::string_view name);

}  // namespace node
