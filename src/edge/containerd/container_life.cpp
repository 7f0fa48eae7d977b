// One container from its record to a running process, and away again. On workers, in the lane of its pod.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <boost/json.hpp>
#include <chrono>
#include <filesystem>
#include <future>

#include "edge/containerd/containerd_runtime.h"
#include "edge/containerd/labels.h"

namespace edge {
namespace {

constexpr const char* default_profile = "/usr/share/containers/seccomp.json";

base::Time now() { return std::chrono::time_point_cast<base::Duration>(std::chrono::system_clock::now()); }

std::string make_id(const node::ContainerSetup& setup) {
    return sha256_hex(
        fmt::format("{}/{}/{}/{}", setup.pod_uid, setup.name, setup.attempt, now().time_since_epoch().count()));
}

std::map<std::string, std::string> labels_of(const node::ContainerSetup& setup, const PodRecord& pod,
                                             const std::string& image_id) {
    auto labels = setup.labels;
    labels[label::pod_uid] = setup.pod_uid;
    labels[label::name] = setup.name;
    labels[label::attempt] = std::to_string(setup.attempt);
    labels[label::image_ref] = setup.image_ref;
    labels[label::image_id] = image_id;
    labels[label::log] = setup.log_path;
    labels[label::cgroup] = pod.cgroup;
    labels[label::tty] = setup.tty ? "1" : "0";
    return labels;
}

}  // namespace

base::Result<std::string> ContainerdRuntime::make_io(const std::string& pod_uid, const std::string& name) {
    const auto folder = io_folder(pod_uid);
    TRY(make_folders(folder, 0700));
    const auto path = folder + "/" + name;
    if (::mkfifo(path.c_str(), 0600) != 0 && errno != EEXIST) return fail_errno(path);
    return path;
}

base::Result<boost::json::value> ContainerdRuntime::seccomp_of(const node::ContainerSetup& setup) const {
    if (setup.seccomp.empty() || setup.seccomp == "Unconfined" || setup.privileged) return boost::json::value();
    const bool ours = setup.seccomp == "RuntimeDefault";
    const auto path = ours ? std::string(default_profile) : settings_.seccomp_dir() + "/" + setup.seccomp;
    const auto text = read_file(path);
    if (!text)
        return base::fail(base::Code::not_found,
                          "cannot load seccomp profile \"" + path + "\": " + text.error().message);
    boost::system::error_code error;
    const auto profile = boost::json::parse(*text, error);
    if (error) return base::fail(base::Code::not_found, "seccomp profile " + path + " is no JSON");
    return seccomp_filter(profile, capabilities_for(setup, machine_.capabilities));
}

base::Result<node::ContainerObserved> ContainerdRuntime::start_container_blocking(const node::ContainerSetup& setup) {
    const auto pod = sandboxes_->find(setup.pod_uid);
    if (!pod) return base::fail(base::Code::not_found, "pod " + setup.pod_uid + " is not set up");
    const auto id = make_id(setup);
    const auto started = launch(setup, *pod, id);
    if (started) {
        const std::lock_guard lock(mutex_);
        auto& known = known_.at(id);
        known.seen.state = node::ContainerState::running;
        known.seen.started_at = now();
        return known.seen;
    }
    (void)remove_blocking(id);
    return std::unexpected(started.error());
}

/// What only the image says: the numbers behind a user's name, and the defaults where nothing was asked for.
base::Result<node::ContainerSetup> ContainerdRuntime::completed(node::ContainerSetup setup, const ImageFacts& image) {
    const bool named = !setup.user.empty();
    if (named || setup.gid < 0 || setup.groups_of_image) {
        const auto user = TRY(images_.user_of(image, named ? setup.user : std::to_string(setup.uid)));
        setup.uid = user.uid;
        if (setup.gid < 0 || named) setup.gid = user.gid;
        if (setup.groups_of_image)
            setup.supplemental_gids.insert(setup.supplemental_gids.end(), user.groups.begin(), user.groups.end());
    }
    if (setup.argv.empty()) {
        setup.argv = image.entrypoint;
        setup.argv.insert(setup.argv.end(), image.cmd.begin(), image.cmd.end());
    }
    if (setup.argv.empty()) return base::fail(base::Code::invalid, "no command specified");
    if (setup.working_dir.empty()) setup.working_dir = image.working_dir;
    return setup;
}

void ContainerdRuntime::note_starting(const std::string& id, const node::ContainerSetup& setup, const PodRecord& pod,
                                      const std::string& image_id) {
    const std::lock_guard lock(mutex_);
    known_[id] = {.seen = {.id = id,
                           .pod_uid = pod.uid,
                           .name = setup.name,
                           .attempt = setup.attempt,
                           .image_ref = setup.image_ref,
                           .image_id = image_id,
                           .labels = setup.labels,
                           .uid = setup.uid,
                           .gid = setup.gid,
                           .supplemental_gids = setup.supplemental_gids},
                  .cgroup = pod.cgroup + "/" + id,
                  .starting = true};
}

base::Result<std::uint32_t> ContainerdRuntime::first_process(const PodRecord& pod) {
    std::vector<std::string> ids;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [id, known] : known_) {
            if (known.seen.pod_uid == pod.uid && known.seen.name.empty()) ids.push_back(id);
        }
    }
    for (const auto& id : ids) {
        if (const auto pid = tasks_.pid(id)) return *pid;
        TRY(remove_blocking(id));  // it has ended, and with it all that stood in its namespace
    }
    const auto id = make_id({.pod_uid = pod.uid});
    if (auto started = start_first_process(pod, id); !started) {
        (void)remove_blocking(id);
        return std::unexpected(started.error());
    }
    settle_exit(id);
    return tasks_.pid(id);
}

base::Result<void> ContainerdRuntime::start_first_process(const PodRecord& pod, const std::string& id) {
    node::ContainerSetup setup;
    setup.pod_uid = pod.uid;
    setup.argv = {"/pause"};
    setup.mounts = {{.host_path = pause_path(), .container_path = "/pause", .read_only = true}};
    setup.uid = setup.gid = 65535;  // nobody's
    setup.capabilities_drop = {"ALL"};
    setup.no_new_privileges = setup.read_only_root = true;
    setup.oom_score_adj = -998;
    const SpecInput input{
        .setup = setup, .pod = pod, .machine = machine_, .id = id, .pod_folder = sandboxes_->folder(pod.uid)};
    note_starting(id, setup, pod, "");
    TRY(tasks_.create_record({.id = id,
                              .image = "",
                              .spec_json = boost::json::serialize(container_spec(input)),
                              .labels = labels_of(setup, pod, "")}));
    TRY(tasks_.create_task(id, "", {}));
    TRY(tasks_.start(id));
    const std::lock_guard lock(mutex_);
    known_.at(id).seen.state = node::ContainerState::running;
    return {};
}

base::Result<void> ContainerdRuntime::launch(const node::ContainerSetup& wanted, const PodRecord& pod,
                                             const std::string& id) {
    const auto image = TRY(images_.unpacked(wanted.image_ref));
    const auto setup = TRY(completed(wanted, *image));
    std::string pid_namespace;
    if (pod.share_processes)
        pid_namespace = fmt::format("/proc/{}/ns/pid", TRY(first_process(pod)));
    else if (!setup.pid_namespace_of.empty())
        pid_namespace = fmt::format("/proc/{}/ns/pid", TRY(tasks_.pid(setup.pid_namespace_of)));
    const SpecInput input{.setup = setup,
                          .pod = pod,
                          .machine = machine_,
                          .id = id,
                          .pod_folder = sandboxes_->folder(pod.uid),
                          .pid_namespace = pid_namespace,
                          .seccomp = TRY(seccomp_of(setup))};
    const auto labels = labels_of(setup, pod, image->config_digest);
    note_starting(id, setup, pod, image->config_digest);
    TRY(tasks_.create_record({.id = id,
                              .image = setup.image_ref,
                              .spec_json = boost::json::serialize(container_spec(input)),
                              .labels = labels}));
    TaskIo io{.terminal = setup.tty};
    io.out = TRY(make_io(pod.uid, id + "-out"));
    if (!setup.tty) io.err = TRY(make_io(pod.uid, id + "-err"));
    Fd writer;
    if (setup.stdin_open) {
        io.in = TRY(make_io(pod.uid, id + "-in"));
        keeper_.hold(id, io.in);
        // Ours until the keeper has surely come to it: without a writer the program would read the end at once.
        writer = Fd(::open(io.in.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
    }
    TRY(make_folders(std::filesystem::path(setup.log_path).parent_path(), 0755));
    // Readers first: without them the shim fails to open its ends.
    TRY(pump_.open({.id = id, .stdout_fifo = io.out, .stderr_fifo = io.err, .log_path = setup.log_path}));
    TRY(tasks_.create_task(id, image->chain, io));
    // Now that the shim holds its ends: before, the keeper's passing by would look like the end of the stream.
    for (const auto& fifo : {io.out, io.err}) {
        if (!fifo.empty()) keeper_.keep(id, fifo);
    }
    return tasks_.start(id);
}

base::Result<void> ContainerdRuntime::remove_blocking(const std::string& id) {
    std::string pod_uid;
    bool running = false;
    {
        const std::lock_guard lock(mutex_);
        const auto known = known_.find(id);
        if (known == known_.end()) return {};
        pod_uid = known->second.seen.pod_uid;
        known->second.removing = true;
        running = known->second.seen.state == node::ContainerState::running && !known->second.exit;
    }
    if (running && tasks_.kill(id, "", 9, Tasks::Whom::all)) TRY(tasks_.wait(id, std::chrono::seconds(10)));
    // What is unread when the task is deleted is lost.
    auto drained = std::make_shared<std::promise<void>>();
    pump_.finish(id, drain_grace, [drained] { drained->set_value(); });
    drained->get_future().wait();
    keeper_.drop(id);
    TRY(tasks_.remove(id));
    std::error_code ignored;
    for (const char* end : {"-in", "-out", "-err"})
        std::filesystem::remove(io_folder(pod_uid) + "/" + id + end, ignored);
    const std::lock_guard lock(mutex_);
    known_.erase(id);
    return {};
}

base::Result<void> ContainerdRuntime::tear_down_blocking(const std::string& uid) {
    std::vector<std::string> ids;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [id, known] : known_) {
            if (known.seen.pod_uid == uid) ids.push_back(id);
        }
    }
    for (const auto& id : ids) TRY(remove_blocking(id));
    return sandboxes_->remove(uid);
}

}  // namespace edge
