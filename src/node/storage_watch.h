// Local disk that a pod may take: sizeLimit of emptyDirs and ephemeral-storage limits of containers. Only pods that
// have such limits are measured, at the kubelet's pace; what exceeds one is the reason for the pod's eviction.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "node/container_setup.h"
#include "node/context.h"

namespace node {

/// Bytes: by volume (emptyDirs), and by container its log and what it wrote outside of volumes.
struct StorageUse {
    std::map<std::string, std::int64_t> volumes, containers;
};

bool has_storage_limits(const PodView& pod);
/// Why the pod must go, in a kubelet's words; "" when it keeps to its limits.
std::string storage_excess(const PodView& pod, const StorageUse& use);

class StorageWatch {
 public:
    /// What there is to measure, asked each time anew.
    struct Subject {
        std::shared_ptr<const PodView> pod;
        const PodState* state = nullptr;
        const MountedVolumes* volumes = nullptr;
    };
    using Exceeded = std::function<void(std::string message)>;
    StorageWatch(Context& context, std::function<Subject()> subject, Exceeded exceeded)
        : context_(context), subject_(std::move(subject)), exceeded_(std::move(exceeded)) {}

    /// Does nothing for a pod without limits. Twice is fine.
    void start();
    void stop();

 private:
    void measure();

    Context& context_;
    std::function<Subject()> subject_;
    Exceeded exceeded_;
    run::Timer timer_;
    std::shared_ptr<char> running_;
};

}  // namespace node
