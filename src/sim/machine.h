// The simulated machine under the node: pods, containers, addresses and traffic rules as plain values that change with
// time and chance. Rule: it outlives the daemon; when the daemon dies its open calls are never answered, what they had
// begun goes on.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/rng.h"
#include "node/runtime.h"
#include "run/loop.h"
#include "sim/faults.h"

namespace sim {

class Machine final : public node::Runtime, public node::Prober, public node::Files, public node::Tokens {
 public:
    Machine(run::Loop& loop, base::Rng& rng, const Faults& faults) : loop_(loop), rng_(rng), faults_(faults) {}

    struct Container {
        node::ContainerObserved seen;
        base::Time serves_at{}, hangs_at = base::Time::max();
        bool told_to_stop = false;  ///< TERM or KILL was sent by the node
        bool deaf = false;
        run::Timer fate;  ///< its end, when it is known
    };
    struct Pod {
        node::PodObserved seen;
        bool host_network = false;
    };
    const std::map<std::string, Container>& containers() const { return containers_; }
    const std::map<std::string, Pod>& pods() const { return pods_; }
    /// How many faults hit that pod.
    int faults_of(const std::string& pod_uid) const {
        const auto found = faulted_.find(pod_uid);
        return found == faulted_.end() ? 0 : found->second;
    }
    /// Ends a running container from outside, as the kernel's OOM killer would.
    void crash_container(const std::string& pod_uid);
    /// Takes an image out of the registry, or puts it back; it is not on the machine either.
    void lose_image(const std::string& name) { missing_.insert(name); }
    void find_image(const std::string& name) { missing_.erase(name); }
    /// How often an image was asked for at the registry.
    int pulls_of(const std::string& name) const {
        const auto found = pulls_.find(name);
        return found == pulls_.end() ? 0 : found->second;
    }
    /// When the runs of a container began and ended, in order; the last may not have ended (zero).
    struct Run {
        base::Time began{}, ended{};
    };
    const std::vector<Run>& runs_of(const std::string& pod_uid) const {
        static const std::vector<Run> none;
        const auto found = runs_.find(pod_uid);
        return found == runs_.end() ? none : found->second;
    }
    /// The daemon died: nobody waits for answers any more.
    void daemon_died();
    /// Rises with every change, for checks that need not look when nothing changed.
    std::uint64_t version() const { return version_; }
    /// Called before a container is told to stop.
    std::function<void(const Container&)> before_stop;

    // node::Runtime
    void set_up_pod(node::PodSetup setup, node::Done<node::PodNetwork> done) override;
    void tear_down_pod(std::string uid, node::Done<void> done) override;
    void start_container(node::ContainerSetup setup, node::Done<node::ContainerObserved> done) override;
    void signal(std::string container_id, int signal, node::Done<void> done) override;
    void remove_container(std::string container_id, node::Done<void> done) override;
    void exec(std::string container_id, std::vector<std::string> argv, base::Duration timeout,
              node::Done<node::ExecOutput> done) override;
    void update_resources(std::string, std::int64_t, std::int64_t, std::int64_t, node::Done<void> done) override;
    void disk_used(node::DiskQuestion question, node::Done<node::DiskUse> done) override;
    void list(node::Done<node::Observed> done) override;
    void on_exit(std::function<void(node::ContainerObserved)> exited) override { exited_ = std::move(exited); }
    void image(std::string name, node::Done<std::optional<node::ImageInfo>> done) override;
    void pull(std::string name, std::string auth, node::Done<node::ImageInfo> done) override;
    void images(node::Done<std::vector<node::ImageInfo>> done) override;

    // node::Prober
    void http(Http request, base::Duration timeout, node::Done<HttpAnswer> done) override;
    void tcp(std::string host, int port, base::Duration timeout, node::Done<void> done) override;
    void grpc(Grpc request, base::Duration timeout, node::Done<void> done) override {
        tcp(std::move(request.host), request.port, timeout, std::move(done));
    }

    // node::Files
    base::Result<std::string> project(const std::string& pod_uid, const std::string& volume,
                                      const std::vector<File>& files, Ownership owner) override;
    base::Result<std::string> empty_dir(const std::string& pod_uid, const std::string& volume,
                                        const std::string& medium, std::int64_t size_bytes, Ownership owner) override;
    base::Result<void> host_path(const std::string&, const std::string&) override { return {}; }
    base::Result<std::string> write(const std::string& pod_uid, const std::string& name, const std::string&,
                                    int) override;
    std::string read_tail(const std::string&, std::size_t) override { return ""; }
    base::Result<std::string> sub_path(const std::string& volume_path, const std::string& sub) override {
        return volume_path + "/" + sub;
    }
    void remove_pod(const std::string&) override {}
    std::string log_path(const std::string& ns, const std::string& pod, const std::string& uid,
                         const std::string& container, int attempt) override;

    // node::Tokens
    base::Result<std::string> token(const Request&) override { return std::string("token"); }

 private:
    /// Does `act` after a while, in any case, and hands its result to `done` if the daemon still lives.
    template <class T, class Act>
    void later(base::Duration delay, node::Done<T> done, Act act);
    base::Duration between(base::Duration least, base::Duration most);
    void end(const std::string& id, int exit_code, int signal);
    void decide_fate(Container& container);
    base::Result<node::ContainerObserved> create(const node::ContainerSetup& setup);
    base::Result<void> room() const;
    bool serving(const std::string& ip);

    run::Loop& loop_;
    base::Rng& rng_;
    const Faults& faults_;
    std::map<std::string, Pod> pods_;
    std::map<std::string, Container> containers_;
    std::map<std::string, int> faulted_;
    std::set<std::string> missing_, pulled_;  ///< images
    std::map<std::string, int> pulls_;
    std::map<std::string, std::vector<Run>> runs_;  ///< by pod
    std::function<void(node::ContainerObserved)> exited_;
    std::uint64_t daemon_ = 0;  ///< which daemon lives
    std::uint64_t next_id_ = 0, version_ = 0, next_work_ = 0;
    std::map<std::uint64_t, run::Timer> work_;  ///< what is under way
};

}  // namespace sim
