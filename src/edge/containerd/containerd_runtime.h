// The node's Runtime over a private containerd. Calls come on the control thread and go to the workers, in a lane a
// pod; answers are posted back. What must survive the daemon stands on containerd's records (labels) and in the run
// folder; a new daemon adopts it in start().
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "edge/containerd/container_spec.h"
#include "edge/containerd/containerd.h"
#include "edge/containerd/events.h"
#include "edge/containerd/exec_capture.h"
#include "edge/containerd/images.h"
#include "edge/containerd/tasks.h"
#include "edge/logs/fifo_keeper.h"
#include "edge/logs/log_pump.h"
#include "edge/paths.h"
#include "edge/pod/sandbox.h"
#include "edge/reactor.h"
#include "edge/workers.h"
#include "node/runtime.h"
#include "run/loop.h"

namespace edge {

class ContainerdRuntime final : public node::Runtime {
 public:
    /// `note` is called on the loop with what an operator should read (containerd died...).
    ContainerdRuntime(run::Loop& loop, EdgeSettings settings, std::function<void(std::string)> note);
    ~ContainerdRuntime() override;

    /// Before anything else: containerd up, bridge made, pods and containers of an earlier daemon adopted.
    void start(node::Done<void> done);
    /// All images of an OCI archive; their full names.
    void import_image(std::string tar_path, node::Done<std::vector<std::string>> done);

    void set_up_pod(node::PodSetup setup, node::Done<node::PodNetwork> done) override;
    void tear_down_pod(std::string uid, node::Done<void> done) override;
    void start_container(node::ContainerSetup setup, node::Done<node::ContainerObserved> done) override;
    void signal(std::string container_id, int signal, node::Done<void> done) override;
    void remove_container(std::string container_id, node::Done<void> done) override;
    void exec(std::string container_id, std::vector<std::string> argv, base::Duration timeout,
              node::Done<node::ExecOutput> done) override;
    void update_resources(std::string container_id, std::int64_t cpu_shares, std::int64_t cpu_quota_us,
                          std::int64_t memory_limit_bytes, node::Done<void> done) override;
    void disk_used(node::DiskQuestion question, node::Done<node::DiskUse> done) override;
    void list(node::Done<node::Observed> done) override;
    void on_exit(std::function<void(node::ContainerObserved)> exited) override;
    void image(std::string name, node::Done<std::optional<node::ImageInfo>> done) override;
    void pull(std::string name, std::string auth, node::Done<node::ImageInfo> done) override;
    void images(node::Done<std::vector<node::ImageInfo>> done) override;

 private:
    /// After the first process has ended the streams end, too, as soon as the shim has copied what is left; only a
    /// child outside of the container's own processes could hold them open, and must not hold us.
    static constexpr std::chrono::milliseconds drain_grace{2000};

    struct Known {
        node::ContainerObserved seen;  ///< its name is "" for the first process of a pod that shares its processes
        std::string cgroup;
        bool starting = false;  ///< its exit waits until the start was reported
        bool removing = false;
        bool told = false;  ///< its exit was reported
        std::optional<ExitEvent> exit;
    };
    struct Exec {
        std::string container_id;
        bool timed_out = false;
        int status = 0;
        node::Done<node::ExecOutput> done;
    };

    // On workers: blocking.
    base::Result<void> start_blocking();
    base::Result<void> adopt();
    void relist();
    /// Whether the state of its task says something about it.
    base::Result<bool> adopt_one(const ContainerRecord& record, const TaskState* task,
                                 const std::set<std::string>& settled);
    base::Result<node::ContainerObserved> start_container_blocking(const node::ContainerSetup& setup);
    base::Result<void> launch(const node::ContainerSetup& setup, const PodRecord& pod, const std::string& id);
    /// The process that holds the pod's shared process namespace, started when it does not run: its pid.
    base::Result<std::uint32_t> first_process(const PodRecord& pod);
    base::Result<void> start_first_process(const PodRecord& pod, const std::string& id);
    void note_starting(const std::string& id, const node::ContainerSetup& setup, const PodRecord& pod,
                       const std::string& image_id);
    base::Result<node::ContainerSetup> completed(node::ContainerSetup setup, const ImageFacts& image);
    base::Result<boost::json::value> seccomp_of(const node::ContainerSetup& setup) const;
    base::Result<void> remove_blocking(const std::string& id);
    base::Result<void> tear_down_blocking(const std::string& uid);
    void time_out(const std::string& exec_id, const std::string& container_id);
    void begin_exec(const std::string& exec_id, const std::vector<std::string>& argv);
    void end_exec(const std::string& exec_id);
    void fail_exec(const std::string& exec_id, base::Error error);
    base::Result<std::string> make_io(const std::string& pod_uid, const std::string& name);

    // On any thread.
    void tell(std::string what);
    void on_event(const ExitEvent& event);
    void settle_exit(const std::string& id);
    void report(const std::string& id);
    std::string pod_of(const std::string& container_id) const;
    std::string pause_path() const { return settings_.data_dir + "/pause"; }
    std::string io_folder(const std::string& pod_uid) const { return sandboxes_->folder(pod_uid) + "/io"; }
    template <class T>
    void work(const std::string& lane, Workers::Weight weight, node::Done<T> done,
              std::move_only_function<base::Result<T>()> work);
    template <class T>
    void reply(node::Done<T> done, base::Result<T> result);

    run::Loop& loop_;
    const EdgeSettings settings_;
    std::function<void(std::string)> note_;
    std::function<void(node::ContainerObserved)> exited_;  ///< on the loop
    bool listed_ = false;                                  ///< on the loop: exits of adopted containers may be told
    std::vector<node::ContainerObserved> held_;            ///< on the loop: until then they wait here
    std::map<std::string, run::Timer> exec_timers_;        ///< on the loop
    std::atomic<bool> started_ = false;
    std::shared_ptr<int> alive_ = std::make_shared<int>();

    MachineFacts machine_;
    mutable std::mutex mutex_;  ///< of the two maps
    std::map<std::string, Known> known_;
    std::map<std::string, Exec> execs_;
    std::atomic<std::uint64_t> exec_count_ = 0;

    Reactor reactor_;
    LogPump pump_;
    ExecCapture capture_;
    FifoKeeper keeper_;
    Containerd containerd_;
    Rpc rpc_;
    Tasks tasks_;
    Images images_;
    std::optional<Cgroups> cgroups_;
    std::unique_ptr<Sandboxes> sandboxes_;
    Workers workers_;
    std::unique_ptr<Events> events_;
};

/// Everything that the platform of these settings left on the machine: tasks, pins, links, cgroups, containerd itself.
/// Images and volumes stay on disk. Blocking; twice is fine. The daemon must have ended.
base::Result<void> wipe(const EdgeSettings& settings);

}  // namespace edge
