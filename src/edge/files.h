// The node's Files on disk: volumes of pods below the data directory, ConfigMaps, Secrets and tokens in memory only
// (one tmpfs a pod), log folders. Calls are short and run on the control thread; removal of what may be large goes to
// a worker. What a pod mounted is unmounted before anything is deleted, and nothing is deleted below a mount.
#pragma once

#include <string>
#include <vector>

#include "edge/paths.h"
#include "edge/workers.h"
#include "node/runtime.h"

namespace edge {

class Files final : public node::Files {
 public:
    explicit Files(EdgeSettings settings);

    base::Result<std::string> project(const std::string& pod_uid, const std::string& volume,
                                      const std::vector<File>& files, Ownership owner) override;
    base::Result<std::string> empty_dir(const std::string& pod_uid, const std::string& volume,
                                        const std::string& medium, std::int64_t size_bytes, Ownership owner) override;
    base::Result<void> host_path(const std::string& path, const std::string& type) override;
    base::Result<std::string> write(const std::string& pod_uid, const std::string& name, const std::string& content,
                                    int mode) override;
    std::string read_tail(const std::string& path, std::size_t bytes_max) override;
    base::Result<std::string> sub_path(const std::string& volume_path, const std::string& sub) override;
    void remove_pod(const std::string& pod_uid) override;
    void remove_log(const std::string& path) override;
    std::string log_path(const std::string& ns, const std::string& pod, const std::string& uid,
                         const std::string& container, int attempt) override;

 private:
    std::string pod_folder(const std::string& uid) const { return settings_.volumes_dir() + "/" + uid; }
    std::string trash() const { return settings_.data_dir + "/trash"; }
    base::Result<std::string> memory_folder(const std::string& pod_uid);

    EdgeSettings settings_;
    Workers workers_;
};

/// Names of pods, volumes and files come from users: one path component, not "." or "..".
bool plain_name(const std::string& name);

}  // namespace edge
