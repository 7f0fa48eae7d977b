// Cgroups of pods, in hybrid v1 (one hierarchy a controller) and pure v2 alike: which one it is is looked at once, at
// start. A pod's cgroup holds its limits and is made and removed by us; its containers' are runc's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace edge {

struct CgroupLimits {
    std::int64_t cpu_shares = 0;    ///< 0: leave
    std::int64_t cpu_quota_us = 0;  ///< of 100 ms; 0: none
    std::int64_t memory_bytes = 0;  ///< 0: none
    std::int64_t pids_max = 0;      ///< 0: none
};

/// "/slipway/burstable/pod<uid>"; guaranteed pods stand directly below the root.
std::string pod_cgroup(const std::string& root, const std::string& qos, const std::string& pod_uid);
/// cgroup v2's weight of a v1 share, as runc converts it.
std::int64_t cpu_weight(std::int64_t shares);

class Cgroups {
 public:
    enum class Layout : std::uint8_t { v1, v2 };
    /// Error: this machine has no cgroups mounted.
    static base::Result<Cgroups> detect(const std::string& mount = "/sys/fs/cgroup");

    Layout layout() const { return layout_; }
    base::Result<void> make(const std::string& path, const CgroupLimits& limits) const;
    base::Result<void> limit(const std::string& path, const CgroupLimits& limits) const;
    /// With what is below it. Fine when it is not there; an error when processes are left in it.
    base::Result<void> remove(const std::string& path) const;
    /// Whether the kernel's out-of-memory killer took a process of this cgroup.
    bool oom_killed(const std::string& path) const;
    /// Kills everything below the path.
    void kill_all(const std::string& path) const;

 private:
    Cgroups(Layout layout, std::vector<std::string> hierarchies)
        : layout_(layout), hierarchies_(std::move(hierarchies)) {}
    std::string controller(const std::string& name, const std::string& path) const;

    Layout layout_;
    std::vector<std::string> hierarchies_;  ///< mount points
};

}  // namespace edge
