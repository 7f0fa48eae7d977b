// The driver of one pod: asks the state machine what to do, does it through the ports, notes what came of it, and
// writes the status when it changed. All changes of one loop turn make one look and one status.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "node/context.h"
#include "node/probes.h"
#include "node/storage_watch.h"
#include "node/volumes.h"

namespace node {

class PodWorker : public std::enable_shared_from_this<PodWorker> {
 public:
    /// `ended` is called once, when nothing of the pod is left on this machine and its object is gone.
    PodWorker(Context& context, ObjectPtr pod, std::function<void(const std::string& uid)> ended);
    ~PodWorker();
    PodWorker(const PodWorker&) = delete;

    /// What stood on the machine when the daemon started; before the first look().
    void adopt(const PodObserved* pod, const std::vector<ContainerObserved>& containers);
    /// The object in the store changed.
    void changed(ObjectPtr pod);
    /// The object is gone from the store.
    void vanished();
    /// A container of this pod ended.
    void exited(const ContainerObserved& container);
    /// A ConfigMap or Secret that the pod uses changed.
    void object_changed();
    /// Plans and acts in a turn of its own, soon.
    void look();

    const std::string& uid() const { return view_->uid; }
    const PodView& view() const { return *view_; }
    const PodState& state() const { return state_; }

 private:
    using Weak = std::weak_ptr<PodWorker>;
    /// A callback for a port: does nothing once the worker is gone, and looks again after `then`.
    template <class T, class Then>
    Done<T> answer(Then then);

    void turn();
    void perform(const Action& action);
    void mount_volumes();
    void keep_volumes_fresh();
    void set_up();
    void exclude_traffic();
    void fail_pod();
    void evict(std::string message);
    void tear_down();
    void give_back();
    std::string own_address() const;
    void resize(const ContainerView& container);
    void begin_stop(const Action& action);
    void run_pre_stop(const ContainerView& container);
    void send(const std::string& container, int signal);
    void end_if_done();

    // pod_start.cpp
    struct Start;
    using StartPtr = std::shared_ptr<Start>;
    void start(const ContainerView& container);
    void drop_start(const std::string& container);
    bool still_wanted(const Start& start);
    void image_ready(const StartPtr& start, std::expected<ImageInfo, struct NoImage> image);
    void run(const StartPtr& start);
    base::Result<void> prepare(Start& start);
    base::Result<void> add_mounts(Start& start);
    base::Result<void> add_file(Start& start, const std::string& name, const std::string& content,
                                const std::string& at);
    void started(const StartPtr& start, base::Result<ContainerObserved> container);
    void run_post_start(const StartPtr& start);
    void running(const ContainerView& container);
    void config_error(const StartPtr& start, std::string reason, const base::Error& error);

    // pod_end.cpp
    using HookDone = std::move_only_function<void(base::Result<void>)>;
    void run_hook(const ContainerView& container, Ref hook, Duration timeout, HookDone done);
    Ended ended_of(const ContainerView& container, const ContainerObserved& observed);
    std::string termination_message(const ContainerView& container, const ContainerFacts& facts, int exit_code);
    void start_probes(const ContainerView& container);
    void probe_news(const ProbeNews& news);
    void fill_from_status();
    void adopt_container(const ContainerView& container, const ContainerObserved& observed);

    void write_status();
    void remove_object();
    int stop_signal(const ContainerView& container) const;

    Context& context_;
    std::shared_ptr<const PodView> view_;
    PodState state_;
    Probes probes_;
    std::function<void(const std::string&)> ended_;
    MountedVolumes volumes_;
    StorageWatch storage_;
    Duration volume_backoff_{};
    std::map<std::string, std::uint64_t> start_token_;  ///< a dropped start's answers no longer fit
    std::map<std::string, std::string> stop_signals_;   ///< container -> its image's StopSignal
    std::map<std::string, ContainerObserved> early_exits_;
    std::set<std::string> said_back_off_;
    json::value written_status_, stored_status_;  ///< as we wrote it last, and as the API keeps it
    bool look_pending_ = false;
    bool done_ = false;
    run::Timer wake_, renew_;
    std::map<std::string, run::Timer> hook_timers_;
};

template <class T, class Then>
Done<T> PodWorker::answer(Then then) {
    return [weak = weak_from_this(), then = std::move(then)](base::Result<T> result) mutable {
        if (const auto self = weak.lock()) {
            then(*self, std::move(result));
            self->look();
        }
    };
}

verbs::WriteOptions as_kubelet(std::string subresource = {});

}  // namespace node
