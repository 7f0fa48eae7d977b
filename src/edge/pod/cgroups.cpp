// Folders and control files below /sys/fs/cgroup.
#include "edge/pod/cgroups.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "edge/fd.h"

namespace edge {
namespace {

namespace fs = std::filesystem;

/// Mount points of the cgroup file systems below `mount`, v2's only one when it is the only.
std::vector<std::string> cgroup_mounts(const std::string& mount, Cgroups::Layout layout) {
    std::vector<std::string> found;
    std::ifstream table("/proc/self/mountinfo");
    for (std::string line; std::getline(table, line);) {
        std::istringstream fields(line);
        std::string skip, point;
        fields >> skip >> skip >> skip >> skip >> point;
        const bool v2 = line.find(" - cgroup2 ") != std::string::npos;
        const bool v1 = line.find(" - cgroup ") != std::string::npos;
        if (!point.starts_with(mount) || !(v1 || (v2 && layout == Cgroups::Layout::v1) || (v2 && point == mount)))
            continue;
        if (std::ranges::find(found, point) == found.end()) found.push_back(point);
    }
    return found;
}

/// Controllers are handed down from the root to the parent of `path`, as far as the kernel lets us.
void hand_down(const std::string& mount, const std::string& path) {
    for (std::size_t end = 0; end != std::string::npos; end = path.find('/', end + 1)) {
        for (const char* name : {"+cpu", "+memory", "+pids", "+cpuset", "+io"}) {
            (void)write_control(mount + path.substr(0, end) + "/cgroup.subtree_control", name);
        }
    }
}

base::Result<void> remove_tree(const fs::path& folder) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
        if (entry.is_directory(ignored)) TRY(remove_tree(entry.path()));
    }
    if (::rmdir(folder.c_str()) != 0 && errno != ENOENT) return fail_errno(folder.string());
    return {};
}

void kill_tree(const fs::path& folder) {
    std::ifstream members(folder / "cgroup.procs");
    for (pid_t pid = 0; members >> pid;) {
        if (pid > 1) ::kill(pid, SIGKILL);
    }
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
        if (entry.is_directory(ignored)) kill_tree(entry.path());
    }
}

}  // namespace

std::string pod_cgroup(const std::string& root, const std::string& qos, const std::string& pod_uid) {
    return "/" + root + (qos.empty() || qos == "guaranteed" ? "" : "/" + qos) + "/pod" + pod_uid;
}

std::int64_t cpu_weight(std::int64_t shares) {
    return shares <= 0 ? 0 : 1 + ((std::clamp<std::int64_t>(shares, 2, 262144) - 2) * 9999) / 262142;
}

base::Result<Cgroups> Cgroups::detect(const std::string& mount) {
    const auto layout = ::access((mount + "/cgroup.controllers").c_str(), F_OK) == 0 ? Layout::v2 : Layout::v1;
    auto mounts = cgroup_mounts(mount, layout);
    if (mounts.empty()) return base::fail(base::Code::unavailable, "no cgroups are mounted at " + mount);
    return Cgroups(layout, std::move(mounts));
}

std::string Cgroups::controller(const std::string& name, const std::string& path) const {
    if (layout_ == Layout::v2) return hierarchies_.front() + path;
    for (const auto& mount : hierarchies_) {
        const auto last = mount.substr(mount.rfind('/') + 1);
        if (("," + last + ",").find("," + name + ",") != std::string::npos) return mount + path;
    }
    return {};
}

base::Result<void> Cgroups::make(const std::string& path, const CgroupLimits& limits) const {
    for (const auto& mount : hierarchies_) {
        TRY(make_folders(mount + path, 0755));
        if (layout_ == Layout::v2) hand_down(mount, path);
        // A cpuset group takes no process before its sets are filled; runc copies its parents' sets likewise.
        if (layout_ == Layout::v1 && mount.ends_with("cpuset")) {
            for (auto end = path.find('/', 1);; end = path.find('/', end + 1)) {
                for (const char* file : {"/cpuset.cpus", "/cpuset.mems"}) {
                    const auto group = mount + path.substr(0, end);
                    const auto own = read_file(group + file);
                    const auto above = read_file(fs::path(group).parent_path().string() + file);
                    if (own && above && own->find_first_not_of(" \n") == std::string::npos)
                        (void)write_control(group + file, *above);
                }
                if (end == std::string::npos) break;
            }
        }
    }
    return limit(path, limits);
}

base::Result<void> Cgroups::limit(const std::string& path, const CgroupLimits& limits) const {
    const auto text = [](std::int64_t value, const char* none) {
        return value > 0 ? std::to_string(value) : std::string(none);
    };
    const auto set = [&](const char* name, const std::string& file, const std::string& value) -> base::Result<void> {
        const auto folder = controller(name, path);
        if (folder.empty()) return {};  // this kernel has no such controller
        return write_control(folder + "/" + file, value);
    };
    if (layout_ == Layout::v2) {
        if (limits.cpu_shares > 0) TRY(set("cpu", "cpu.weight", std::to_string(cpu_weight(limits.cpu_shares))));
        TRY(set("cpu", "cpu.max", text(limits.cpu_quota_us, "max") + " 100000"));
        TRY(set("memory", "memory.max", text(limits.memory_bytes, "max")));
    } else {
        if (limits.cpu_shares > 0)
            TRY(set("cpu", "cpu.shares", std::to_string(std::max<std::int64_t>(2, limits.cpu_shares))));
        TRY(set("cpu", "cpu.cfs_quota_us", text(limits.cpu_quota_us, "-1")));
        TRY(set("memory", "memory.limit_in_bytes", text(limits.memory_bytes, "-1")));
    }
    if (limits.pids_max > 0) TRY(set("pids", "pids.max", std::to_string(limits.pids_max)));
    return {};
}

base::Result<void> Cgroups::remove(const std::string& path) const {
    base::Result<void> result;
    for (const auto& mount : hierarchies_) {
        if (auto removed = remove_tree(mount + path); !removed) result = std::move(removed);
    }
    return result;
}

bool Cgroups::oom_killed(const std::string& path) const {
    const auto folder = controller("memory", path);
    const auto events = read_file(folder + (layout_ == Layout::v2 ? "/memory.events" : "/memory.oom_control"));
    if (!events) return false;
    std::istringstream lines(*events);
    std::string key;
    for (std::int64_t value = 0; lines >> key >> value;) {
        if (key == "oom_kill") return value > 0;
    }
    return false;
}

void Cgroups::kill_all(const std::string& path) const {
    for (const auto& mount : hierarchies_) kill_tree(mount + path);
}

}  // namespace edge
