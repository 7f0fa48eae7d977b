// A pod without a pause container: its network, IPC and UTS namespaces are files in our run folder with the namespaces
// bound onto them, beside a tmpfs for /dev/shm and a record of what was asked for. All of it outlives the daemon.
// Blocking (5 ms): for edge threads, which may call for different pods at once.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "edge/paths.h"
#include "edge/pod/cgroups.h"
#include "edge/pod/ipam.h"
#include "node/runtime.h"

namespace edge {

/// What is known of a pod that stands; kept as pod.json in its folder.
struct PodRecord {
    std::string uid, ns, name, hostname, ip, cgroup;
    bool host_network = false, host_pid = false, host_ipc = false, share_processes = false;
    std::map<std::string, std::string> labels;
};

class Sandboxes {
 public:
    static base::Result<std::unique_ptr<Sandboxes>> create(const EdgeSettings& settings, const Cgroups& cgroups);

    /// The bridge with the gateway's address, and the route of the service range to it. Idempotent.
    base::Result<void> make_bridge();
    /// Reads the records of pods of an earlier daemon; their addresses are taken.
    void adopt();
    /// Idempotent by uid; makes anew what a reboot took.
    base::Result<PodRecord> make(const node::PodSetup& setup);
    /// Nothing left is fine. Processes in the namespaces must have ended.
    base::Result<void> remove(const std::string& uid);

    std::optional<PodRecord> find(const std::string& uid) const;
    std::vector<PodRecord> all() const;
    std::string folder(const std::string& uid) const { return settings_.pods_dir() + "/" + uid; }

    /// Unmounts every pin and deletes every record, bridge and route of these settings.
    static void wipe(const EdgeSettings& settings);

 private:
    Sandboxes(const EdgeSettings& settings, const Cgroups& cgroups, Ipam ipam)
        : settings_(settings), cgroups_(cgroups), ipam_(std::move(ipam)) {}
    base::Result<void> make_namespaces(const node::PodSetup& setup, const std::string& folder, const std::string& ip);
    base::Result<void> join_network(int netns, const std::string& uid, const std::string& ip);
    base::Result<std::string> address_for(const node::PodSetup& setup);

    EdgeSettings settings_;
    Cgroups cgroups_;
    mutable std::mutex mutex_;  ///< of the two below
    Ipam ipam_;
    std::map<std::string, PodRecord> pods_;
};

/// The host's end of a pod's link: "sw" and 12 hexadecimal digits of its uid's hash.
std::string link_name(const std::string& uid);

}  // namespace edge
