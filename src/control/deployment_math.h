// The arithmetic of rollouts, apart from what is done with it. Pure; rounding as upstream.
#pragma once

#include <vector>

#include "control/workload.h"

namespace control {

inline constexpr std::string_view revision_annotation = "deployment.kubernetes.io/revision";
inline constexpr std::string_view history_annotation = "deployment.kubernetes.io/revision-history";
inline constexpr std::string_view desired_annotation = "deployment.kubernetes.io/desired-replicas";
inline constexpr std::string_view max_annotation = "deployment.kubernetes.io/max-replicas";
inline constexpr std::string_view hash_label = "pod-template-hash";
/// progressDeadlineSeconds of this value means none.
inline constexpr std::int64_t no_deadline = 2147483647;

struct Bounds {
    std::int64_t surge = 0;        ///< pods above the wish, rounded up
    std::int64_t unavailable = 0;  ///< pods that may be missing, rounded down; never both 0
};

/// A Deployment's numbers.
struct Wish {
    explicit Wish(const Object& deployment);
    std::int64_t replicas = 1;
    bool rolling = true;
    bool paused = false;
    Bounds bounds;  ///< 0, 0 for Recreate
    std::int64_t deadline_s = no_deadline;
    std::int64_t history = no_deadline;
    bool has_deadline() const { return deadline_s != no_deadline; }
    std::int64_t most() const { return replicas + bounds.surge; }
    std::int64_t least() const { return replicas - bounds.unavailable; }
};

/// A ReplicaSet's numbers, with the object.
struct Set {
    explicit Set(ObjectPtr object);
    ObjectPtr object;
    std::int64_t wanted = 0;  ///< spec.replicas
    std::int64_t full = 0, ready = 0, available = 0, terminating = 0;
    /// Pods that certainly serve and will not be taken away by what is already decided: the status may be late, and
    /// a set that is shrinking still counts what it is about to delete.
    std::int64_t serving = 0;
    /// Pods that stand or will by what is already decided: a set that is shrinking may not have begun to.
    std::int64_t standing = 0;
};
using Sets = std::vector<Set>;

std::int64_t wanted_sum(const Sets& sets);
/// "25%" or 3 of `total`.
enum class Round : std::uint8_t { up, down };
std::int64_t share(Ref int_or_percent, std::int64_t total, Round round);
/// How many pods the newest set should have now, given all sets.
std::int64_t new_set_size(const Wish& wish, const Sets& all, const Set& newest);
/// Sizes after a change of the wish in mid-rollout, each set by its part; same order as `sets`.
std::vector<std::int64_t> proportional_sizes(const Wish& wish, std::int64_t status_replicas, const Sets& sets);

/// Templates are the same but for the hash label.
bool same_template(Ref a, Ref b);
/// The hash that names a ReplicaSet, in letters that make no words.
std::string template_hash(Ref pod_template, std::int64_t collisions);

}  // namespace control
