// Containers and their tasks in containerd, one blocking step each; the order of steps and what happens when one fails
// is container_runtime's. For edge threads.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "edge/containerd/rpc.h"

namespace edge {

struct ContainerRecord {
    std::string id, image, spec_json;
    std::map<std::string, std::string> labels;
    base::Time created_at{};
};

struct TaskState {
    enum class Phase : std::uint8_t { created, running, stopped };
    Phase phase = Phase::created;
    int exit_status = 0;
    base::Time exited_at{};
};

struct TaskIo {
    std::string in, out, err;
    bool terminal = false;
};

class Tasks {
 public:
    Tasks(Rpc& rpc, std::string runc_root) : rpc_(rpc), runc_root_(std::move(runc_root)) {}

    base::Result<void> make_namespace();
    /// The record names its snapshot before that is made: so the garbage collector never meets it unowned.
    base::Result<void> create_record(const ContainerRecord& record);
    /// Prepares the snapshot on `chain`, has runc create the container. Fails for a program that is not there.
    base::Result<void> create_task(const std::string& id, const std::string& chain, const TaskIo& io);
    base::Result<void> start(const std::string& id);
    enum class Whom : std::uint8_t { first_process, all };
    base::Result<void> kill(const std::string& id, const std::string& exec_id, int signal, Whom whom);
    /// Blocks until the task has ended, at most `deadline`.
    base::Result<void> wait(const std::string& id, std::chrono::milliseconds deadline);
    /// Task, record and snapshot, as far as they are there.
    base::Result<void> remove(const std::string& id);

    base::Result<void> exec(const std::string& id, const std::string& exec_id, const std::string& process_json,
                            const TaskIo& io);
    base::Result<void> delete_exec(const std::string& id, const std::string& exec_id);
    base::Result<void> update(const std::string& id, const std::string& resources_json);

    /// Of the first process of a task that runs.
    base::Result<std::uint32_t> pid(const std::string& id);
    base::Result<ContainerRecord> record(const std::string& id);
    /// Those with the label `label`.
    base::Result<std::vector<ContainerRecord>> records(const std::string& label);
    base::Result<std::map<std::string, TaskState>> states();
    /// Bytes that a container wrote over its image.
    base::Result<std::int64_t> written(const std::string& id);

 private:
    Rpc& rpc_;
    std::string runc_root_;
};

}  // namespace edge
