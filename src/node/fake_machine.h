// A small machine in memory for the node's own tests: pods and containers as values, programs that run until told to
// stop, probes and files that answer at once. Time is the virtual loop's.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "node/runtime.h"
#include "run/virtual_loop.h"

namespace node::testing {

class FakeMachine final : public Runtime, public Prober, public Files, public Traffic, public Tokens {
 public:
    explicit FakeMachine(run::Loop& loop) : loop_(loop) { images_["docker.io/library/busybox:1.36"] = busybox(); }

    struct Container {
        ContainerSetup setup;
        ContainerObserved seen;
    };

    // What tests set and read.
    std::map<std::string, std::string> fails_to_start;   ///< container name -> message
    std::map<std::string, std::string> fails_to_create;  ///< before anything could run
    std::map<std::string, int> exits_at_once;            ///< container name -> code
    std::map<std::string, int> on_term;                  ///< container name -> exit code; -1: ignores TERM
    std::map<std::string, int> exec_codes;               ///< argv[0] -> code
    std::map<std::string, std::string> contents;         ///< read_tail by path
    std::map<std::string, std::int64_t> disk;            ///< bytes by folder, and by container name
    int http_status = 200;
    std::map<std::string, std::string> redirects;  ///< path -> Location
    bool healthy = true;                           ///< what gRPC probes are told
    int http_refusals = 0;                         ///< probes that are refused before the first answer
    bool hold_exclusion = false;
    std::vector<std::move_only_function<void()>> held;
    std::vector<std::string> log;  ///< what was asked of the machine, in order
    std::map<std::string, Container> containers;
    std::map<std::string, PodSetup> pods;
    std::map<std::string, std::vector<File>> projected;  ///< "volume" -> files

    static ImageInfo busybox() {
        ImageInfo image;
        image.ref = "docker.io/library/busybox:1.36";
        image.id = "sha256:b00";
        image.names = {image.ref};
        image.cmd = {"sh"};
        image.env = {"PATH=/bin"};
        return image;
    }

    /// An image is imported, by nobody's pull.
    void load(const std::string& name) { images_[name] = busybox(); }
    void exit(const std::string& id, int code, bool oom = false) {
        auto& seen = containers.at(id).seen;
        if (seen.state == ContainerState::exited) return;
        seen.state = ContainerState::exited;
        seen.exit_code = code;
        seen.oom_killed = oom;
        seen.finished_at = loop_.now();
        loop_.post([this, seen] {
            if (exited_) exited_(seen);
        });
    }
    /// The newest container of that name.
    Container* find(const std::string& name) {
        Container* found = nullptr;
        for (auto& [id, c] : containers)
            if (c.setup.name == name && (!found || found->setup.attempt < c.setup.attempt)) found = &c;
        return found;
    }

    void set_up_pod(PodSetup setup, Done<PodNetwork> done) override {
        log.push_back("setup " + setup.name);
        const PodNetwork network{setup.host_network ? "192.0.2.1" : "10.0.0." + std::to_string(pods.size() + 2)};
        pods[setup.uid] = std::move(setup);
        answer<PodNetwork>(std::move(done), network);
    }
    void tear_down_pod(std::string uid, Done<void> done) override {
        log.push_back("teardown");
        pods.erase(uid);
        std::erase_if(containers, [&](const auto& c) { return c.second.setup.pod_uid == uid; });
        answer<void>(std::move(done), {});
    }
    void start_container(ContainerSetup setup, Done<ContainerObserved> done) override {
        log.push_back("start " + setup.name + " " + std::to_string(setup.attempt));
        if (const auto fails = fails_to_start.find(setup.name); fails != fails_to_start.end())
            return answer<ContainerObserved>(std::move(done), base::fail(base::Code::invalid, fails->second));
        if (const auto fails = fails_to_create.find(setup.name); fails != fails_to_create.end())
            return answer<ContainerObserved>(std::move(done), base::fail(base::Code::not_found, fails->second));
        ContainerObserved seen;
        seen.id = "c" + std::to_string(++next_id_);
        seen.pod_uid = setup.pod_uid;
        seen.name = setup.name;
        seen.attempt = setup.attempt;
        seen.state = ContainerState::running;
        seen.started_at = loop_.now();
        seen.labels = setup.labels;
        const auto name = setup.name;
        containers[seen.id] = {std::move(setup), seen};
        answer<ContainerObserved>(std::move(done), seen);
        if (const auto code = exits_at_once.find(name); code != exits_at_once.end())
            loop_.post([this, id = seen.id, c = code->second] { exit(id, c); });
    }
    void signal(std::string id, int signal, Done<void> done) override {
        const auto found = containers.find(id);
        if (found != containers.end()) {
            const auto name = found->second.setup.name;
            log.push_back("signal " + name + " " + std::to_string(signal));
            const auto reaction = on_term.find(name);
            const int code = reaction == on_term.end() ? 0 : reaction->second;
            if (signal == 9)
                exit(id, 137);
            else if (code >= 0)
                exit(id, code);
        }
        answer<void>(std::move(done), {});
    }
    void remove_container(std::string id, Done<void> done) override {
        containers.erase(id);
        answer<void>(std::move(done), {});
    }
    void exec(std::string, std::vector<std::string> argv, base::Duration, Done<ExecOutput> done) override {
        log.push_back("exec " + argv[0]);
        const auto code = exec_codes.find(argv[0]);
        answer<ExecOutput>(std::move(done), ExecOutput{code == exec_codes.end() ? 0 : code->second, "", false});
    }
    void update_resources(std::string, std::int64_t, std::int64_t, std::int64_t, Done<void> done) override {
        answer<void>(std::move(done), {});
    }
    void disk_used(DiskQuestion question, Done<DiskUse> done) override {
        DiskUse use;
        for (const auto& folder : question.folders) use.folders.push_back(disk[folder]);
        for (const auto& id : question.containers) use.containers.push_back(disk[containers.at(id).setup.name]);
        answer<DiskUse>(std::move(done), std::move(use));
    }
    void list(Done<Observed> done) override {
        Observed all;
        for (const auto& [uid, setup] : pods) all.pods.push_back({uid, setup.ns, setup.name, "10.0.0.2", setup.labels});
        for (const auto& [id, c] : containers) all.containers.push_back(c.seen);
        answer<Observed>(std::move(done), all);
    }
    void on_exit(std::function<void(ContainerObserved)> exited) override { exited_ = std::move(exited); }
    void image(std::string name, Done<std::optional<ImageInfo>> done) override {
        const auto found = images_.find(name);
        answer<std::optional<ImageInfo>>(
            std::move(done), found == images_.end() ? std::optional<ImageInfo>() : std::optional(found->second));
    }
    void pull(std::string name, std::string auth, Done<ImageInfo> done) override {
        log.push_back("pull " + name + (auth.empty() ? "" : " as " + auth));
        answer<ImageInfo>(std::move(done), base::fail(base::Code::not_found, "not found"));
    }
    void images(Done<std::vector<ImageInfo>> done) override {
        answer<std::vector<ImageInfo>>(std::move(done), std::vector{busybox()});
    }

    void http(Http request, base::Duration, Done<HttpAnswer> done) override {
        if (const auto to = redirects.find(request.path); to != redirects.end())
            return answer<HttpAnswer>(std::move(done), HttpAnswer{302, "", to->second});
        if (http_refusals-- > 0)
            return answer<HttpAnswer>(std::move(done), base::fail(base::Code::unavailable, "connection refused"));
        answer<HttpAnswer>(std::move(done), HttpAnswer{http_status, "", ""});
    }
    void tcp(std::string, int, base::Duration, Done<void> done) override { answer<void>(std::move(done), {}); }
    void grpc(Grpc request, base::Duration, Done<void> done) override {
        log.push_back("grpc " + std::to_string(request.port) + " " + request.service);
        answer<void>(std::move(done), healthy ? base::Result<void>()
                                              : base::fail(base::Code::unavailable,
                                                           "service unhealthy (responded with \"NOT_SERVING\")"));
    }

    base::Result<std::string> project(const std::string& uid, const std::string& volume, const std::vector<File>& files,
                                      Ownership) override {
        projected[volume] = files;
        return "/volumes/" + uid + "/" + volume;
    }
    base::Result<std::string> empty_dir(const std::string& uid, const std::string& volume, const std::string&,
                                        std::int64_t, Ownership) override {
        return "/volumes/" + uid + "/" + volume;
    }
    base::Result<void> host_path(const std::string&, const std::string&) override { return {}; }
    base::Result<std::string> write(const std::string& uid, const std::string& name, const std::string& content,
                                    int) override {
        const auto path = "/files/" + uid + "/" + name;
        if (!contents.contains(path) || name == "etc-hosts") contents[path] = content;
        return path;
    }
    std::string read_tail(const std::string& path, std::size_t) override { return contents[path]; }
    base::Result<std::string> sub_path(const std::string& volume, const std::string& sub) override {
        return volume + "/" + sub;
    }
    void remove_pod(const std::string&) override { log.push_back("remove files"); }
    std::string log_path(const std::string& ns, const std::string& pod, const std::string& uid,
                         const std::string& container, int attempt) override {
        return "/logs/" + ns + "_" + pod + "_" + uid + "/" + container + "/" + std::to_string(attempt) + ".log";
    }

    void exclude(const std::string&, const std::string& ip, std::move_only_function<void()> done) override {
        log.push_back("exclude " + ip);
        if (hold_exclusion)
            held.push_back(std::move(done));
        else
            loop_.post(std::move(done));
    }
    void forget(const std::string&, const std::string& ip) override { log.push_back("forget " + ip); }
    base::Result<std::string> token(const Request& request) override { return "token-for-" + request.account; }

 private:
    template <class T>
    void answer(Done<T> done, base::Result<T> result) {
        loop_.post([done = std::move(done), result = std::move(result)]() mutable { done(std::move(result)); });
    }

    run::Loop& loop_;
    std::function<void(ContainerObserved)> exited_;
    std::map<std::string, ImageInfo> images_;
    int next_id_ = 0;
};

}  // namespace node::testing
