// Where everything of the node stands on disk, and what it is called on the machine. Two platforms on one machine
// differ in every one of these.
#pragma once

#include <string>

namespace edge {

struct EdgeSettings {
    std::string data_dir;                 ///< survives a reboot: images, snapshots, volumes
    std::string run_dir;                  ///< sockets, pins, FIFOs; short, for unix socket paths end at 107 bytes
    std::string log_dir;                  ///< <log_dir>/<ns>_<pod>_<uid>/<container>/<attempt>.log
    std::string cgroup_root = "slipway";  ///< top cgroup of all pods
    std::string bridge = "slipway0";      ///< at most 15 bytes
    std::string pod_cidr = "10.244.0.0/24";
    std::string service_cidr = "10.96.0.0/12";  ///< routed to the bridge, so that packets to it meet the service rules

    std::string containerd_dir() const { return data_dir + "/containerd"; }
    std::string containerd_socket() const { return run_dir + "/containerd.sock"; }
    std::string pods_dir() const { return run_dir + "/pods"; }
    std::string volumes_dir() const { return data_dir + "/pods"; }
    std::string seccomp_dir() const { return data_dir + "/seccomp"; }  ///< of Localhost profiles
    std::string certs_dir() const { return data_dir + "/certs.d"; }
};

/// The namespace of containerd that CRI's image service uses; our containers stand beside its images.
inline constexpr const char* containerd_namespace = "k8s.io";

}  // namespace edge
