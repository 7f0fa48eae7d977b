// From calls to work in lanes, and the life of the runtime itself.
#include "edge/containerd/containerd_runtime.h"

#include <boost/json.hpp>

#include "edge/pod/pod_pause.h"

namespace edge {

using node::Done;
using Weight = Workers::Weight;

ContainerdRuntime::ContainerdRuntime(run::Loop& loop, EdgeSettings settings, std::function<void(std::string)> note)
    : loop_(loop),
      settings_(std::move(settings)),
      note_(std::move(note)),
      pump_(reactor_),
      capture_(reactor_),
      keeper_(settings_),
      containerd_(settings_, reactor_, [this](std::string what) { tell(std::move(what)); }),
      rpc_(settings_.containerd_socket(), containerd_namespace),
      tasks_(rpc_, settings_.run_dir + "/runc"),
      images_(rpc_) {}

ContainerdRuntime::~ContainerdRuntime() {
    events_.reset();
    workers_.stop();
    reactor_.stop();
}

void ContainerdRuntime::tell(std::string what) {
    loop_.post([alive = std::weak_ptr(alive_), this, what = std::move(what)] {
        if (!alive.expired()) note_(what);
    });
}

template <class T>
void ContainerdRuntime::reply(Done<T> done, base::Result<T> result) {
    loop_.post([done = std::move(done), result = std::move(result)]() mutable { done(std::move(result)); });
}

template <class T>
void ContainerdRuntime::work(const std::string& lane, Weight weight, Done<T> done,
                             std::move_only_function<base::Result<T>()> work) {
    workers_.submit(lane, weight, [this, done = std::move(done), work = std::move(work)]() mutable {
        if (!started_)
            return reply<T>(std::move(done), base::fail(base::Code::unavailable, "containerd is not started yet"));
        reply(std::move(done), work());
    });
}

void ContainerdRuntime::start(Done<void> done) {
    workers_.submit("", Weight::light, [this, done = std::move(done)]() mutable {
        auto result = start_blocking();
        started_ = result.has_value();
        reply(std::move(done), std::move(result));
    });
}

base::Result<void> ContainerdRuntime::start_blocking() {
    TRY(containerd_.start());
    TRY(keeper_.start());
    cgroups_ = TRY(Cgroups::detect());
    machine_ = look_at_machine(cgroups_->layout());
    sandboxes_ = TRY(Sandboxes::create(settings_, *cgroups_));
    TRY(sandboxes_->make_bridge());
    sandboxes_->adopt();
    TRY(write_file(pause_path(), pause_program(), 0755));
    TRY(tasks_.make_namespace());
    TRY(adopt());
    events_ = std::make_unique<Events>(
        rpc_, Events::Handlers{.exited = [this](const ExitEvent& event) { on_event(event); },
                               .connected =
                                   [this] {
                                       relist();
                                       // A list may be made before containerd has taken up the subscription, and an
                                       // exit fall between the two.
                                       reactor_.post(
                                           [this] { reactor_.after(std::chrono::seconds(1), [this] { relist(); }); });
                                   }});
    return {};
}

void ContainerdRuntime::relist() {
    workers_.submit("adopt", Weight::light, [this] {
        if (auto adopted = adopt(); !adopted) tell("relist: " + adopted.error().message);
    });
}

void ContainerdRuntime::import_image(std::string tar_path, Done<std::vector<std::string>> done) {
    work<std::vector<std::string>>("", Weight::pull, std::move(done),
                                   [this, tar_path] { return images_.import(tar_path); });
}

void ContainerdRuntime::set_up_pod(node::PodSetup setup, Done<node::PodNetwork> done) {
    const auto lane = setup.uid;
    work<node::PodNetwork>(lane, Weight::light, std::move(done),
                           [this, setup = std::move(setup)]() -> base::Result<node::PodNetwork> {
                               const auto pod = TRY(sandboxes_->make(setup));
                               TRY(make_folders(io_folder(setup.uid), 0700));
                               if (pod.share_processes) TRY(first_process(pod));
                               return node::PodNetwork{.ip = pod.ip};
                           });
}

void ContainerdRuntime::tear_down_pod(std::string uid, Done<void> done) {
    work<void>(uid, Weight::light, std::move(done), [this, uid] { return tear_down_blocking(uid); });
}

void ContainerdRuntime::start_container(node::ContainerSetup setup, Done<node::ContainerObserved> done) {
    const auto lane = setup.pod_uid;
    workers_.submit(lane, Weight::start, [this, setup = std::move(setup), done = std::move(done)]() mutable {
        if (!started_)
            return reply<node::ContainerObserved>(std::move(done),
                                                  base::fail(base::Code::unavailable, "containerd is not started yet"));
        auto started = start_container_blocking(setup);
        const auto id = started ? started->id : std::string();
        reply(std::move(done), std::move(started));
        if (!id.empty()) settle_exit(id);
    });
}

void ContainerdRuntime::signal(std::string id, int signal, Done<void> done) {
    const auto pod_uid = pod_of(id);
    work<void>(pod_uid, Weight::light, std::move(done), [this, id, signal, pod_uid] {
        const auto pod = sandboxes_->find(pod_uid);
        // In a PID namespace that is not its own a container's first process leaves its children behind.
        const bool whole = signal == 9 && pod && (pod->host_pid || pod->share_processes);
        return tasks_.kill(id, "", signal, whole ? Tasks::Whom::all : Tasks::Whom::first_process);
    });
}

void ContainerdRuntime::remove_container(std::string id, Done<void> done) {
    work<void>(pod_of(id), Weight::light, std::move(done), [this, id] { return remove_blocking(id); });
}

void ContainerdRuntime::update_resources(std::string id, std::int64_t cpu_shares, std::int64_t cpu_quota_us,
                                         std::int64_t memory_limit_bytes, Done<void> done) {
    boost::json::object cpu{{"shares", std::max<std::int64_t>(2, cpu_shares)},
                            {"quota", cpu_quota_us > 0 ? cpu_quota_us : -1},
                            {"period", 100000}};
    boost::json::object resources{{"cpu", cpu}};
    if (memory_limit_bytes > 0) resources["memory"] = {{"limit", memory_limit_bytes}};
    work<void>(pod_of(id), Weight::light, std::move(done),
               [this, id, text = boost::json::serialize(resources)] { return tasks_.update(id, text); });
}

void ContainerdRuntime::disk_used(node::DiskQuestion question, Done<node::DiskUse> done) {
    work<node::DiskUse>("measure", Weight::light, std::move(done),
                        [this, question = std::move(question)]() -> base::Result<node::DiskUse> {
                            node::DiskUse use;
                            for (const auto& folder : question.folders) use.folders.push_back(disk_use(folder));
                            for (const auto& id : question.containers)
                                use.containers.push_back(tasks_.written(id).value_or(0));
                            return use;
                        });
}

void ContainerdRuntime::list(Done<node::Observed> done) {
    work<node::Observed>(
        "adopt", Weight::light,
        [this, alive = std::weak_ptr(alive_), done = std::move(done)](base::Result<node::Observed> observed) mutable {
            done(std::move(observed));
            if (alive.expired()) return;
            listed_ = true;
            for (auto& ended : std::exchange(held_, {})) {
                if (exited_) exited_(std::move(ended));
            }
        },
        [this]() -> base::Result<node::Observed> {
            TRY(adopt());
            node::Observed all;
            for (const auto& pod : sandboxes_->all())
                all.pods.push_back({pod.uid, pod.ns, pod.name, pod.ip, pod.labels});
            const std::lock_guard lock(mutex_);
            for (const auto& [id, known] : known_) {
                if (!known.starting && !known.seen.name.empty()) all.containers.push_back(known.seen);
            }
            return all;
        });
}

void ContainerdRuntime::on_exit(std::function<void(node::ContainerObserved)> exited) { exited_ = std::move(exited); }

void ContainerdRuntime::image(std::string name, Done<std::optional<node::ImageInfo>> done) {
    work<std::optional<node::ImageInfo>>("", Weight::light, std::move(done),
                                         [this, name] { return images_.find(name); });
}

void ContainerdRuntime::pull(std::string name, std::string auth, Done<node::ImageInfo> done) {
    work<node::ImageInfo>("pull " + name, Weight::pull, std::move(done),
                          [this, name, auth] { return images_.pull(name, auth); });
}

void ContainerdRuntime::images(Done<std::vector<node::ImageInfo>> done) {
    work<std::vector<node::ImageInfo>>("", Weight::light, std::move(done), [this] { return images_.list(); });
}

std::string ContainerdRuntime::pod_of(const std::string& container_id) const {
    const std::lock_guard lock(mutex_);
    const auto known = known_.find(container_id);
    return known == known_.end() ? container_id : known->second.seen.pod_uid;
}

}  // namespace edge
