// From a container's spec, its image and its environment to what the runtime is asked to start: arguments, identity,
// security, resources, mounts. Pure; the texts of refusals are the kubelet's.
#pragma once

#include <map>
#include <string>

#include "node/environment.h"
#include "node/pod_view.h"
#include "node/runtime.h"

namespace node {

/// A volume as it stands on this machine.
struct MountedVolume {
    std::string host_path;
    bool read_only = false;  ///< ConfigMaps, Secrets and the like always are
};
using MountedVolumes = std::map<std::string, MountedVolume>;

struct SetupInput {
    const PodView* pod = nullptr;
    const ContainerView* container = nullptr;
    const ImageInfo* image = nullptr;
    const Variables* variables = nullptr;
    int attempt = 0;
    std::string hostname;
    std::int64_t memory_capacity = 0;
};

/// Without mounts and paths, which the driver adds. An error is shown as CreateContainerConfigError.
base::Result<ContainerSetup> container_setup(const SetupInput& input);

/// One volumeMount's source: the subPath's final text ("" none) with subPathExpr expanded.
base::Result<std::string> sub_path_of(Ref volume_mount, const Variables& variables);

/// The pod's part: hostname, namespaces, sysctls, cgroup.
PodSetup pod_setup(const PodView& pod, std::string_view cluster_domain);

/// The sysctls that a pod may set without being asked; the first one that is not safe, or "".
std::string unsafe_sysctl(const PodView& pod);

/// All groups that a process of the container has, the primary first: as status.user shows them.
std::vector<std::int64_t> groups_of(const ContainerSetup& setup, std::int64_t gid);

}  // namespace node
