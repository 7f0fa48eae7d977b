// Exits, told or found: each container's end is reported once, after its last line is in the log.
#include <filesystem>

#include "edge/containerd/containerd_runtime.h"
#include "edge/containerd/labels.h"

namespace edge {
namespace {

constexpr int lost_exit_code = 255;  // a task that is gone without a trace, as containerd's CRI says it

std::string text(const ContainerRecord& record, const char* key) {
    const auto found = record.labels.find(key);
    return found == record.labels.end() ? "" : found->second;
}

node::ContainerObserved observed(const ContainerRecord& record) {
    node::ContainerObserved seen{.id = record.id, .started_at = record.created_at};
    for (const auto& [key, value] : record.labels) {
        if (key == label::pod_uid)
            seen.pod_uid = value;
        else if (key == label::name)
            seen.name = value;
        else if (key == label::attempt)
            seen.attempt = std::atoi(value.c_str());
        else if (key == label::image_ref)
            seen.image_ref = value;
        else if (key == label::image_id)
            seen.image_id = value;
        else if (!key.starts_with("edge.slipway.dev/") && key != "containerd.io/gc.root")
            seen.labels[key] = value;
    }
    return seen;
}

}  // namespace

base::Result<bool> ContainerdRuntime::adopt_one(const ContainerRecord& record, const TaskState* task,
                                                const std::set<std::string>& settled) {
    LogSource log{.id = record.id};
    {
        const std::lock_guard lock(mutex_);
        const auto known = known_.find(record.id);
        if (known != known_.end())
            return settled.contains(record.id) && !known->second.exit && !known->second.removing &&
                   known->second.seen.state == node::ContainerState::running;
    }
    // Not known: an earlier daemon's; or it was removed since the list was made.
    if (!tasks_.record(record.id)) return false;
    {
        const std::lock_guard lock(mutex_);
        auto& known = known_[record.id];
        known.seen = observed(record);
        // Without a task, or with one that was only made: an earlier daemon ended while it started this one. (A task
        // that was lost with containerd and its shim looks the same: the pod's status knows that it ran.)
        const bool ran = task && task->phase != TaskState::Phase::created;
        known.seen.state = ran ? node::ContainerState::running : node::ContainerState::created;
        known.cgroup = text(record, label::cgroup) + "/" + record.id;
        const auto io = io_folder(known.seen.pod_uid) + "/" + record.id;
        log.stdout_fifo = io + "-out";
        if (text(record, label::tty) != "1") log.stderr_fifo = io + "-err";
        log.log_path = text(record, label::log);
        if (!ran) return false;
    }
    // Readers first, so that what waits in the FIFOs is not lost with the task.
    (void)pump_.open(log);
    return true;
}

base::Result<void> ContainerdRuntime::adopt() {
    // Only what stood before the lists were made is judged by them: starts and removals go on meanwhile.
    std::set<std::string> settled;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [id, known] : known_) {
            if (!known.starting) settled.insert(id);
        }
    }
    const auto records = TRY(tasks_.records(label::pod_uid));
    const auto states = TRY(tasks_.states());
    std::vector<ExitEvent> ended;
    for (const auto& record : records) {
        const auto state = states.find(record.id);
        if (!TRY(adopt_one(record, state == states.end() ? nullptr : &state->second, settled))) continue;
        if (state == states.end()) {
            ended.push_back({record.id, record.id, lost_exit_code,
                             std::chrono::time_point_cast<base::Duration>(std::chrono::system_clock::now())});
        } else if (state->second.phase == TaskState::Phase::stopped) {
            ended.push_back({record.id, record.id, state->second.exit_status, state->second.exited_at});
        }
    }
    for (const auto& event : ended) on_event(event);
    return {};
}

void ContainerdRuntime::on_event(const ExitEvent& event) {
    if (event.container_id != event.process_id) {
        {
            const std::lock_guard lock(mutex_);
            const auto exec = execs_.find(event.process_id);
            if (exec == execs_.end()) return;
            exec->second.status = event.status;
        }
        return workers_.submit("", Workers::Weight::light, [this, id = event.process_id] { end_exec(id); });
    }
    {
        const std::lock_guard lock(mutex_);
        const auto known = known_.find(event.container_id);
        if (known == known_.end() || known->second.exit) return;
        auto& seen = known->second.seen;
        known->second.exit = event;
        seen.exit_code = event.status;
        seen.finished_at = event.at;
        seen.oom_killed = event.status == 137 && cgroups_->oom_killed(known->second.cgroup);
        if (known->second.starting) return;  // settle_exit comes after the start was reported
        seen.state = node::ContainerState::exited;
    }
    pump_.finish(event.container_id, drain_grace, [this, id = event.container_id] { report(id); });
}

void ContainerdRuntime::settle_exit(const std::string& id) {
    {
        const std::lock_guard lock(mutex_);
        const auto known = known_.find(id);
        if (known == known_.end()) return;
        known->second.starting = false;
        if (!known->second.exit) return;
        known->second.seen.state = node::ContainerState::exited;
    }
    pump_.finish(id, drain_grace, [this, id] { report(id); });
}

void ContainerdRuntime::report(const std::string& id) {
    node::ContainerObserved seen;
    {
        const std::lock_guard lock(mutex_);
        const auto known = known_.find(id);
        if (known == known_.end() || std::exchange(known->second.told, true)) return;
        seen = known->second.seen;
    }
    if (seen.name.empty()) return;  // no container of the pod's: its containers ended with it
    loop_.post([this, alive = std::weak_ptr(alive_), seen = std::move(seen)]() mutable {
        if (alive.expired()) return;
        if (!listed_) return held_.push_back(std::move(seen));
        if (exited_) exited_(std::move(seen));
    });
}

}  // namespace edge
