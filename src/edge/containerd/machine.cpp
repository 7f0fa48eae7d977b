// What this machine lets containers have: read from /proc and /dev once.
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <array>
#include <charconv>
#include <filesystem>

#include "edge/containerd/container_spec.h"
#include "edge/fd.h"

namespace edge {
namespace {

constexpr std::array capability_names{"CHOWN",
                                      "DAC_OVERRIDE",
                                      "DAC_READ_SEARCH",
                                      "FOWNER",
                                      "FSETID",
                                      "KILL",
                                      "SETGID",
                                      "SETUID",
                                      "SETPCAP",
                                      "LINUX_IMMUTABLE",
                                      "NET_BIND_SERVICE",
                                      "NET_BROADCAST",
                                      "NET_ADMIN",
                                      "NET_RAW",
                                      "IPC_LOCK",
                                      "IPC_OWNER",
                                      "SYS_MODULE",
                                      "SYS_RAWIO",
                                      "SYS_CHROOT",
                                      "SYS_PTRACE",
                                      "SYS_PACCT",
                                      "SYS_ADMIN",
                                      "SYS_BOOT",
                                      "SYS_NICE",
                                      "SYS_RESOURCE",
                                      "SYS_TIME",
                                      "SYS_TTY_CONFIG",
                                      "MKNOD",
                                      "LEASE",
                                      "AUDIT_WRITE",
                                      "AUDIT_CONTROL",
                                      "SETFCAP",
                                      "MAC_OVERRIDE",
                                      "MAC_ADMIN",
                                      "SYSLOG",
                                      "WAKE_ALARM",
                                      "BLOCK_SUSPEND",
                                      "AUDIT_READ",
                                      "PERFMON",
                                      "BPF",
                                      "CHECKPOINT_RESTORE"};

std::set<std::string> allowed_capabilities() {
    std::set<std::string> allowed;
    const auto status = read_file("/proc/self/status").value_or("");
    const auto at = status.find("CapBnd:\t");
    std::uint64_t mask = 0;
    if (at != std::string::npos) std::from_chars(status.data() + at + 8, status.data() + at + 24, mask, 16);
    for (std::size_t bit = 0; bit < capability_names.size(); ++bit) {
        if (mask >> bit & 1) allowed.insert(std::string("CAP_") + capability_names[bit]);
    }
    return allowed;
}

std::vector<HostDevice> host_devices() {
    namespace fs = std::filesystem;
    std::vector<HostDevice> found;
    std::error_code error;
    for (auto it = fs::recursive_directory_iterator("/dev", error); !error && it != fs::recursive_directory_iterator();
         it.increment(error)) {
        const auto name = it->path().filename().string();
        if (it->is_directory(error) && (name == "pts" || name == "shm" || name == "mqueue" || name == "fd")) {
            it.disable_recursion_pending();
            continue;
        }
        struct stat info {};
        if (name == "console" || ::lstat(it->path().c_str(), &info) != 0) continue;
        if (!S_ISCHR(info.st_mode) && !S_ISBLK(info.st_mode)) continue;
        found.push_back({it->path().string(), S_ISCHR(info.st_mode) ? 'c' : 'b', major(info.st_rdev),
                         minor(info.st_rdev), info.st_mode & 07777});
    }
    return found;
}

}  // namespace

MachineFacts look_at_machine(Cgroups::Layout layout) {
    return {.cgroups = layout,
            .capabilities = allowed_capabilities(),
            .oom_score_adj = std::atoi(read_file("/proc/self/oom_score_adj").value_or("0").c_str()),
            .devices = host_devices()};
}

}  // namespace edge
