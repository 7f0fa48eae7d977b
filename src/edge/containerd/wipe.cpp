// `make down`: what outlives the daemon on purpose is ended here.
#include <sys/mount.h>

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
