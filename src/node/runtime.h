// The ports through which the node acts on this machine: pods and containers, images, probes, files and traffic.
// Declared by their user; the real ones are in edge/, the simulated ones in sim/. Every call returns at once and
// `done` runs later on the loop, exactly once, also after an error; calls on one pod are carried out in order.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace node {

template <class T>
using Done = std::move_only_function<void(base::Result<T>)>;

struct PodSetup {
    std::string uid, ns, name;
    std::string hostname;  ///< of the pod's UTS namespace
    bool host_network = false, host_pid = false, host_ipc = false;
    bool share_process_namespace = false;
    std::map<std::string, std::string> sysctls;
    std::string qos;  ///< guaranteed | burstable | besteffort: the cgroup parent
    std::int64_t cpu_shares = 2, cpu_quota_us = 0 /* per 100 ms; 0 none */, memory_limit_bytes = 0;
    std::map<std::string, std::string> labels;
};
struct PodNetwork {
    std::string ip;  ///< the host's address for host_network
};

struct Mount {
    std::string host_path, container_path;
    bool read_only = false;
    std::string propagation = "private";  ///< private | rslave | rshared
};

struct ContainerSetup {
    std::string pod_uid, name;
    int attempt = 0;
    std::string image_ref;  ///< as resolved by ImageInfo::ref
    /// Empty: from the image's config (entrypoint + cmd rules are applied by the node before the call: these are
    /// final).
    std::vector<std::string> argv;
    std::vector<std::pair<std::string, std::string>> env;  ///< image env merged by the node; final and in order
    std::string working_dir;
    std::vector<Mount> mounts;
    std::int64_t uid = 0, gid = 0;  ///< gid -1: the user's primary group in the image's /etc/passwd, else 0
    std::vector<std::int64_t> supplemental_gids;
    bool groups_of_image = true;  ///< also those that the image's /etc/group has the user in
    std::string user;  ///< when not empty: "name" or "name:group" of the image, looked up there; stands for uid and gid
    std::vector<std::string> capabilities_add, capabilities_drop;
    bool privileged = false, no_new_privileges = false, read_only_root = false, tty = false, stdin_open = false;
    std::string seccomp;  ///< "" Unconfined | RuntimeDefault | a Localhost profile, below the node's folder of them
    std::string proc_mount = "Default";
    std::int64_t cpu_shares = 2, cpu_quota_us = 0, memory_limit_bytes = 0;
    std::int64_t oom_score_adj = 0;
    std::string log_path;                       ///< file in the cluster's log format (RFC3339Nano stream F|P text)
    std::string termination_path;               ///< host file bound at terminationMessagePath ("" none)
    std::map<std::string, std::string> labels;  ///< kept on the container record: what adoption needs
    std::string pid_namespace_of;  ///< id of a container whose processes it shall see (ephemeral containers' target)
};

enum class ContainerState : std::uint8_t { created, running, exited };

struct ContainerObserved {
    std::string id, pod_uid, name;
    int attempt = 0;
    ContainerState state = ContainerState::created;
    int exit_code = 0;
    int signal = 0;  ///< 0: exited by itself
    bool oom_killed = false;
    base::Time started_at{}, finished_at{};
    std::string image_ref, image_id;
    std::map<std::string, std::string> labels;
    std::int64_t uid = -1, gid = -1;  ///< what it runs as after names were looked up in the image; -1: as asked for
    std::vector<std::int64_t> supplemental_gids;  ///< with uid: all but the primary group
};
struct PodObserved {
    std::string uid, ns, name, ip;
    std::map<std::string, std::string> labels;
};
struct Observed {  ///< everything of ours that stands on the machine, for adoption and the slow relist
    std::vector<PodObserved> pods;
    std::vector<ContainerObserved> containers;
};

struct ImageInfo {
    std::string ref;                 ///< the name to run it by
    std::string id;                  ///< sha256:... for status.imageID
    std::vector<std::string> names;  ///< repo tags and digests
    std::int64_t size_bytes = 0;
    std::vector<std::string> entrypoint, cmd, env;
    std::string working_dir, user, stop_signal;
};

struct ExecOutput {
    int exit_code = 0;
    std::string output;  ///< stdout and stderr together, at most 10 KiB
    bool timed_out = false;
};

struct DiskQuestion {
    std::vector<std::string> folders, containers;  ///< paths; ids
};
struct DiskUse {
    std::vector<std::int64_t> folders, containers;  ///< bytes, in the order of the question; what is gone has 0
};

class Runtime {
 public:
    virtual ~Runtime() = default;
    /// Namespaces, cgroups, network; idempotent by uid.
    virtual void set_up_pod(PodSetup setup, Done<PodNetwork> done) = 0;
    /// Removes what is left of the pod: containers, network, namespaces, cgroups. Fine when nothing is left.
    virtual void tear_down_pod(std::string uid, Done<void> done) = 0;
    /// Creates and starts; `done` has the id once its process runs. Errors carry upstream's words
    /// (e.g. a missing binary: Code::invalid, message as runc says it).
    virtual void start_container(ContainerSetup setup, Done<ContainerObserved> done) = 0;
    virtual void signal(std::string container_id, int signal, Done<void> done) = 0;
    virtual void remove_container(std::string container_id, Done<void> done) = 0;
    virtual void exec(std::string container_id, std::vector<std::string> argv, base::Duration timeout,
                      Done<ExecOutput> done) = 0;
    virtual void update_resources(std::string container_id, std::int64_t cpu_shares, std::int64_t cpu_quota_us,
                                  std::int64_t memory_limit_bytes, Done<void> done) = 0;
    /// What folders take on disk, and what containers wrote to their own file systems.
    virtual void disk_used(DiskQuestion question, Done<DiskUse> done) = 0;
    virtual void list(Done<Observed> done) = 0;
    /// Called on the loop for each container that ended, also for those that ended while nobody listened (after list).
    virtual void on_exit(std::function<void(ContainerObserved)> exited) = 0;

    /// Nothing when the image is not on the machine.
    virtual void image(std::string name, Done<std::optional<ImageInfo>> done) = 0;
    /// `auth` is "user:password" or "". Errors: Code::not_found, Code::unauthorized, Code::unavailable with the
    /// registry's words.
    virtual void pull(std::string name, std::string auth, Done<ImageInfo> done) = 0;
    virtual void images(Done<std::vector<ImageInfo>> done) = 0;
};

/// Probes from the node's own network.
class Prober {
 public:
    virtual ~Prober() = default;
    struct Http {
        std::string scheme, host, path;
        int port = 0;
        std::vector<std::pair<std::string, std::string>> headers;
    };
    struct HttpAnswer {
        int status = 0;
        std::string body;      ///< the first KiB
        std::string location;  ///< of a redirection
    };
    virtual void http(Http request, base::Duration timeout, Done<HttpAnswer> done) = 0;
    virtual void tcp(std::string host, int port, base::Duration timeout, Done<void> done) = 0;
    struct Grpc {
        std::string host, service;
        int port = 0;
    };
    /// grpc.health.v1.Health/Check: success when it answers SERVING.
    virtual void grpc(Grpc request, base::Duration timeout, Done<void> done) = 0;
};

/// Files of a pod's volumes under the node's data directory.
class Files {
 public:
    virtual ~Files() = default;
    struct File {
        std::string path;  ///< relative, may have folders
        std::string content;
        int mode = 0644;
        std::int64_t uid = -1;  ///< owner of this file alone (a service account token); -1: as the volume
    };
    struct Ownership {
        std::int64_t gid = -1;  ///< fsGroup; -1: leave
        std::int64_t uid = -1;
        int folder_mode = 0777;  ///< of a projected volume's folder; kept in memory it is 01777
    };
    /// Makes (or atomically swaps, by a ..data link as on any cluster) the files of a ConfigMap, Secret, downwardAPI or
    /// projected volume.
    virtual base::Result<std::string> project(const std::string& pod_uid, const std::string& volume,
                                              const std::vector<File>& files, Ownership owner) = 0;
    /// An emptyDir (medium "Memory": tmpfs of that size); the host path.
    virtual base::Result<std::string> empty_dir(const std::string& pod_uid, const std::string& volume,
                                                const std::string& medium, std::int64_t size_bytes,
                                                Ownership owner) = 0;
    /// Checks and makes by HostPathType; Error says what is there instead.
    virtual base::Result<void> host_path(const std::string& path, const std::string& type) = 0;
    /// A plain file of the pod (hosts, resolv.conf, termination log): the host path.
    virtual base::Result<std::string> write(const std::string& pod_uid, const std::string& name,
                                            const std::string& content, int mode) = 0;
    /// The last `bytes_max` bytes; "" when it is not there.
    virtual std::string read_tail(const std::string& path, std::size_t bytes_max) = 0;
    /// A bind source for volumeMounts.subPath inside a volume, safe against links that lead out.
    virtual base::Result<std::string> sub_path(const std::string& volume_path, const std::string& sub) = 0;
    virtual void remove_pod(const std::string& pod_uid) = 0;
    /// Removes the log of an attempt that nobody may ask for any more.
    virtual void remove_log(const std::string& /*path*/) {}
    /// Where a container's log goes: <logs>/<ns>_<pod>_<uid>/<container>/<attempt>.log (its folder is made).
    virtual std::string log_path(const std::string& ns, const std::string& pod, const std::string& uid,
                                 const std::string& container, int attempt) = 0;
};

/// Signs service account tokens that are bound to a pod; wired to the server's signer.
class Tokens {
 public:
    virtual ~Tokens() = default;
    struct Request {
        std::string ns, account, audience;  ///< audience "": the API server's own
        std::int64_t seconds = 3607;
        std::string pod_name, pod_uid;
    };
    virtual base::Result<std::string> token(const Request& request) = 0;
};

/// The gate of no-sleep termination: `done` runs once no rule of this machine leads new connections to the pod and
/// stale connection tracking entries to it are gone. Only then is a pod told to stop, and its address given back.
class Traffic {
 public:
    virtual ~Traffic() = default;
    /// `ip` is "" where the pod has none of its own (the host's network): that address stays everybody else's.
    virtual void exclude(const std::string& pod_uid, const std::string& ip, std::move_only_function<void()> done) = 0;
    /// The pod is gone: forget it (its address may come again).
    virtual void forget(const std::string& pod_uid, const std::string& ip) = 0;
};

}  // namespace node
