// `make down`: what outlives the daemon on purpose is ended here.
#include <signal.h>
#include <sys/mount.h>

#include <filesystem>

#include "edge/containerd/containerd_runtime.h"
#include "edge/containerd/labels.h"

namespace edge {
namespace {

base::Result<void> end_tasks(const EdgeSettings& settings) {
    Rpc rpc(settings.containerd_socket(), containerd_namespace);
    Tasks tasks(rpc, settings.run_dir + "/runc");
    std::vector<std::thread> threads;
    std::mutex mutex;
    const auto records = TRY(tasks.records(label::pod_uid));
    std::size_t next = 0;
    base::Result<void> result;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (;;) {
                std::string id;
                {
                    const std::lock_guard lock(mutex);
                    if (next == records.size()) return;
                    id = records[next++].id;
                }
                if (tasks.kill(id, "", 9, Tasks::Whom::all)) (void)tasks.wait(id, std::chrono::seconds(10));
                auto removed = tasks.remove(id);
                const std::lock_guard lock(mutex);
                if (!removed) result = std::move(removed);
            }
        });
    }
    for (auto& thread : threads) thread.join();
    return result;
}

/// Shims that no containerd knows any more: of tasks whose making was broken off.
void end_shims(const EdgeSettings& settings) {
    const auto ours = std::string("-address") + '\0' + settings.containerd_socket() + '\0';
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
        const auto pid = std::atoi(entry.path().filename().c_str());
        if (pid <= 1) continue;
        const auto line = read_file(entry.path().string() + "/cmdline").value_or("");
        const auto program = std::filesystem::path(line.substr(0, line.find('\0'))).filename();
        if (program == "containerd-shim-runc-v2" && line.find(ours) != std::string::npos) ::kill(pid, SIGKILL);
    }
}

}  // namespace

base::Result<void> wipe(const EdgeSettings& settings) {
    Reactor reactor;
    base::Result<void> result;
    if (::access(settings.containerd_dir().c_str(), F_OK) == 0) {
        // Tasks are ended through containerd, so it is started once more when it is not there.
        Containerd containerd(settings, reactor, [](std::string) {});
        result = containerd.start();
        if (result) result = end_tasks(settings);
        reactor.stop();
        if (auto stopped = Containerd::stop(settings); !stopped) result = std::move(stopped);
    }
    end_shims(settings);
    FifoKeeper::stop(settings);
    for (const auto& mount : mounts_below(settings.run_dir)) ::umount2(mount.c_str(), MNT_DETACH);
    for (const auto& mount : mounts_below(settings.volumes_dir())) ::umount2(mount.c_str(), MNT_DETACH);
    if (const auto cgroups = Cgroups::detect()) {
        cgroups->kill_all("/" + settings.cgroup_root);
        if (auto removed = cgroups->remove("/" + settings.cgroup_root); !removed) result = std::move(removed);
    }
    Sandboxes::wipe(settings);
    return result;
}

}  // namespace edge
