// The OCI runtime specification of a container, as JSON: what the pod asked for on top of the defaults that every
// cluster's containers have. Pure: what it needs to know of the machine is passed in.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "edge/pod/cgroups.h"
#include "edge/pod/sandbox.h"
#include "node/runtime.h"

namespace edge {

struct HostDevice {
    std::string path;
    char type = 'c';
    std::uint32_t major = 0, minor = 0, mode = 0;
};

/// What the machine allows; looked at once.
struct MachineFacts {
    Cgroups::Layout cgroups = Cgroups::Layout::v1;
    std::set<std::string> capabilities;  ///< that we may hand out at all: "CAP_CHOWN"...
    int oom_score_adj = 0;               ///< our own: without CAP_SYS_RESOURCE nothing may go below
    std::vector<HostDevice> devices;     ///< what a privileged container sees in /dev
};
MachineFacts look_at_machine(Cgroups::Layout layout);

struct SpecInput {
    const node::ContainerSetup& setup;
    const PodRecord& pod;
    const MachineFacts& machine;
    std::string id;
    std::string pod_folder;                ///< with the pins net, ipc, uts and the folder shm
    std::string pid_namespace = {};        ///< path of another container's; "": its own
    boost::json::value seccomp = nullptr;  ///< as linux.seccomp has it; null: unconfined
};

boost::json::value container_spec(const SpecInput& input);
/// The process part alone, for an exec in a container whose own spec is `container`.
boost::json::value exec_process(const boost::json::value& container, const std::vector<std::string>& argv);
/// Which capabilities a container gets, sorted.
std::vector<std::string> capabilities_for(const node::ContainerSetup& setup, const std::set<std::string>& allowed);

/// linux.seccomp from a profile in the format of containers-common (includes, excludes by capability and architecture).
base::Result<boost::json::value> seccomp_filter(const boost::json::value& profile,
                                                const std::vector<std::string>& capabilities);

}  // namespace edge
