// One call of containerd's a function, nearly.
#include "edge/containerd/tasks.h"

#include <fmt/format.h>

#include "edge/proto/containerd.pb.h"

namespace edge {
namespace {

constexpr const char* snapshotter = "overlayfs";
constexpr const char* spec_type = "types.containerd.io/opencontainers/runtime-spec/1/";
constexpr std::chrono::milliseconds start_deadline{120'000};

std::string method(const char* service, const char* name) {
    return std::string("/containerd.services.") + service + "/" + name;
}

base::Time time_of(const wire::Timestamp& stamp) {
    return base::Time(std::chrono::seconds(stamp.seconds()) + std::chrono::nanoseconds(stamp.nanos()));
}

ContainerRecord record_of(const wire::Container& c) {
    ContainerRecord record{
        .id = c.id(), .image = c.image(), .spec_json = c.spec().value(), .created_at = time_of(c.created_at())};
    for (const auto& [key, value] : c.labels()) record.labels[key] = value;
    return record;
}

/// Not found is as good as done.
base::Result<void> gone(base::Result<void> result) {
    if (!result && result.error().code == base::Code::not_found) return {};
    return result;
}

/// What runc says is the user's error, in the words that a kubelet shows.
base::Error runtime_error(base::Error error, const char* where) {
    if (error.message.find("OCI runtime") != std::string::npos) error.code = base::Code::invalid;
    return std::move(error).in(where);
}

}  // namespace

base::Result<void> Tasks::make_namespace() {
    wire::CreateNamespaceRequest request;
    request.mutable_namespace_()->set_name("k8s.io");
    const auto made = rpc_.tell(method("namespaces.v1.Namespaces", "Create"), request);
    if (made || made.error().code == base::Code::already_exists) return {};
    return std::unexpected(made.error());
}

base::Result<void> Tasks::create_record(const ContainerRecord& record) {
    wire::RuncOptions options;
    options.set_root(runc_root_);
    wire::ContainerBox box;
    auto& container = *box.mutable_container();
    container.set_id(record.id);
    container.set_image(record.image);
    container.mutable_runtime()->set_name("io.containerd.runc.v2");
    container.mutable_runtime()->mutable_options()->set_type_url("containerd.runc.v1.Options");
    container.mutable_runtime()->mutable_options()->set_value(options.SerializeAsString());
    container.mutable_spec()->set_type_url(fmt::format("{}Spec", spec_type));
    container.mutable_spec()->set_value(record.spec_json);
    container.set_snapshotter(snapshotter);
    container.set_snapshot_key(record.id);
    for (const auto& [key, value] : record.labels) (*container.mutable_labels())[key] = value;
    TRY(rpc_.call<wire::ContainerBox>(method("containers.v1.Containers", "Create"), box));
    return {};
}

base::Result<void> Tasks::create_task(const std::string& id, const std::string& chain, const TaskIo& io) {
    wire::PrepareSnapshotRequest prepare;
    prepare.set_snapshotter(snapshotter);
    prepare.set_key(id);
    prepare.set_parent(chain);
    const auto mounts = TRY(rpc_.call<wire::SnapshotMounts>(method("snapshots.v1.Snapshots", "Prepare"), prepare));
    wire::CreateTaskRequest request;
    request.set_container_id(id);
    *request.mutable_rootfs() = mounts.mounts();
    request.set_stdin(io.in);
    request.set_stdout(io.out);
    request.set_stderr(io.err);
    request.set_terminal(io.terminal);
    wire::RuncOptions options;
    options.set_root(runc_root_);
    request.mutable_options()->set_type_url("containerd.runc.v1.Options");
    request.mutable_options()->set_value(options.SerializeAsString());
    auto created =
        rpc_.call<wire::CreateTaskResponse>(method("tasks.v1.Tasks", "Create"), request, {.deadline = start_deadline});
    if (!created) return std::unexpected(runtime_error(std::move(created).error(), "failed to create containerd task"));
    return {};
}

base::Result<void> Tasks::start(const std::string& id) {
    wire::TaskRef request;
    request.set_container_id(id);
    auto started =
        rpc_.call<wire::StartResponse>(method("tasks.v1.Tasks", "Start"), request, {.deadline = start_deadline});
    if (!started) return std::unexpected(runtime_error(std::move(started).error(), "failed to start containerd task"));
    return {};
}

base::Result<void> Tasks::kill(const std::string& id, const std::string& exec_id, int signal, Whom whom) {
    wire::KillRequest request;
    request.set_container_id(id);
    request.set_exec_id(exec_id);
    request.set_signal(static_cast<std::uint32_t>(signal));
    request.set_all(whom == Whom::all);
    TRY(rpc_.tell(method("tasks.v1.Tasks", "Kill"), request));
    return {};
}

base::Result<void> Tasks::wait(const std::string& id, std::chrono::milliseconds deadline) {
    wire::TaskRef request;
    request.set_container_id(id);
    TRY(rpc_.tell(method("tasks.v1.Tasks", "Wait"), request, {.deadline = deadline}));
    return {};
}

base::Result<void> Tasks::remove(const std::string& id) {
    wire::DeleteTaskRequest task;
    task.set_container_id(id);
    TRY(gone(rpc_.tell(method("tasks.v1.Tasks", "Delete"), task)));
    wire::ContainerId container;
    container.set_id(id);
    TRY(gone(rpc_.tell(method("containers.v1.Containers", "Delete"), container)));
    wire::SnapshotKey snapshot;
    snapshot.set_snapshotter(snapshotter);
    snapshot.set_key(id);
    return gone(rpc_.tell(method("snapshots.v1.Snapshots", "Remove"), snapshot));
}

base::Result<void> Tasks::exec(const std::string& id, const std::string& exec_id, const std::string& process_json,
                               const TaskIo& io) {
    wire::ExecProcessRequest request;
    request.set_container_id(id);
    request.set_exec_id(exec_id);
    request.set_stdin(io.in);
    request.set_stdout(io.out);
    request.set_stderr(io.err);
    request.set_terminal(io.terminal);
    request.mutable_spec()->set_type_url(fmt::format("{}Process", spec_type));
    request.mutable_spec()->set_value(process_json);
    TRY(rpc_.tell(method("tasks.v1.Tasks", "Exec"), request));
    wire::TaskRef start;
    start.set_container_id(id);
    start.set_exec_id(exec_id);
    auto started = rpc_.call<wire::StartResponse>(method("tasks.v1.Tasks", "Start"), start);
    if (!started) {
        (void)delete_exec(id, exec_id);
        return std::unexpected(
            runtime_error(std::move(started).error(), "failed to exec in container: failed to start exec"));
    }
    return {};
}

base::Result<void> Tasks::delete_exec(const std::string& id, const std::string& exec_id) {
    wire::TaskRef request;
    request.set_container_id(id);
    request.set_exec_id(exec_id);
    TRY(rpc_.call<wire::DeleteResponse>(method("tasks.v1.Tasks", "DeleteProcess"), request));
    return {};
}

base::Result<void> Tasks::update(const std::string& id, const std::string& resources_json) {
    wire::UpdateTaskRequest request;
    request.set_container_id(id);
    request.mutable_resources()->set_type_url(fmt::format("{}LinuxResources", spec_type));
    request.mutable_resources()->set_value(resources_json);
    TRY(rpc_.tell(method("tasks.v1.Tasks", "Update"), request));
    return {};
}

base::Result<std::uint32_t> Tasks::pid(const std::string& id) {
    wire::TaskRef request;
    request.set_container_id(id);
    const auto process = TRY(rpc_.call<wire::GetTaskResponse>(method("tasks.v1.Tasks", "Get"), request)).process();
    if (process.status() == wire::STOPPED) return base::fail(base::Code::not_found, "container " + id + " has ended");
    return process.pid();
}

base::Result<ContainerRecord> Tasks::record(const std::string& id) {
    wire::ContainerId request;
    request.set_id(id);
    return record_of(
        TRY(rpc_.call<wire::ContainerBox>(method("containers.v1.Containers", "Get"), request)).container());
}

base::Result<std::vector<ContainerRecord>> Tasks::records(const std::string& label) {
    wire::ListContainersRequest request;
    request.add_filters("labels.\"" + label + "\"");
    const auto all = TRY(rpc_.call<wire::ListContainersResponse>(method("containers.v1.Containers", "List"), request));
    std::vector<ContainerRecord> records;
    for (const auto& container : all.containers()) records.push_back(record_of(container));
    return records;
}

base::Result<std::int64_t> Tasks::written(const std::string& id) {
    wire::SnapshotKey key;
    key.set_snapshotter(snapshotter);
    key.set_key(id);
    return TRY(rpc_.call<wire::SnapshotUsage>(method("snapshots.v1.Snapshots", "Usage"), key)).size();
}

base::Result<std::map<std::string, TaskState>> Tasks::states() {
    const auto all =
        TRY(rpc_.call<wire::ListTasksResponse>(method("tasks.v1.Tasks", "List"), wire::ListTasksRequest()));
    std::map<std::string, TaskState> states;
    for (const auto& task : all.tasks()) {
        using Phase = TaskState::Phase;
        const auto phase = task.status() == wire::STOPPED   ? Phase::stopped
                           : task.status() == wire::CREATED ? Phase::created
                                                            : Phase::running;
        // Tasks.List names the container in `id` and leaves container_id empty.
        const auto& id = task.container_id().empty() ? task.id() : task.container_id();
        states[id] = {.phase = phase,
                      .exit_status = static_cast<int>(task.exit_status()),
                      .exited_at = time_of(task.exited_at())};
    }
    return states;
}

}  // namespace edge
