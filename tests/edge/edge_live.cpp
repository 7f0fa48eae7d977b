// The node's real runtime on this machine: a containerd of its own, its own bridge, cgroups and folders, pods from
// busybox. Needs root and containerd; says so when it cannot run. Leaves nothing behind.
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "edge/containerd/containerd_runtime.h"
#include "edge/files.h"
#include "edge/pod/netlink.h"
#include "edge/prober.h"
#include "run/asio_loop.h"

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

std::string image_archive;  // argv[1]: busybox.tar

double ms_since(Steady::time_point start) {
    return std::chrono::duration<double, std::milli>(Steady::now() - start).count();
}

/// A field of our own status, in kB.
std::string memory(const std::string& field) {
    const auto status = edge::read_file("/proc/self/status").value_or("");
    const auto at = status.find(field + ":");
    return status.substr(at + field.size() + 1, status.find(" kB", at) - at - field.size() - 1);
}

class EdgeLive : public testing::Test {
 protected:
    void SetUp() override {
        char pattern[] = "/tmp/slipway-edge-XXXXXX";
        base_ = ::mkdtemp(pattern);
        const auto tag = base_.substr(base_.size() - 6);
        settings_ = {.data_dir = base_ + "/data",
                     .run_dir = base_ + "/run",
                     .log_dir = base_ + "/logs",
                     .cgroup_root = "slipway-test-" + tag,
                     .bridge = "swt" + tag,
                     .pod_cidr = "10.203.77.0/24",
                     .service_cidr = "10.203.78.0/24"};
        begin();
        ASSERT_TRUE(wait<void>([&](auto done) { runtime_->start(std::move(done)); }));
        ASSERT_TRUE(wait<node::Observed>([&](auto done) { runtime_->list(std::move(done)); }));
    }
    void TearDown() override {
        runtime_.reset();
        const auto wiped = edge::wipe(settings_);
        EXPECT_TRUE(wiped) << wiped.error().message;
        EXPECT_TRUE(edge::mounts_below(base_).empty());
        EXPECT_EQ(edge::Netlink::open().value().index_of(settings_.bridge).value(), 0);
        EXPECT_FALSE(fs::exists("/sys/fs/cgroup/memory/" + settings_.cgroup_root));
        EXPECT_TRUE(edge::wipe(settings_));  // twice is fine
        if (edge::mounts_below(base_).empty()) fs::remove_all(base_);
    }

    void begin() {
        runtime_ = std::make_unique<edge::ContainerdRuntime>(
            loop_, settings_, [](const std::string& note) { std::cout << note << "\n"; });
        runtime_->on_exit([this](node::ContainerObserved ended) { exits_[ended.id] = std::move(ended); });
    }
    /// A daemon that dies without a word, and the one that comes after it.
    void restart() {
        runtime_.reset();
        exits_.clear();
        begin();
        const auto started = wait<void>([&](auto done) { runtime_->start(std::move(done)); });
        ASSERT_TRUE(started) << started.error().message;
    }

    void turn(const std::function<bool()>& until, std::chrono::seconds limit = 30s) {
        const auto end = Steady::now() + limit;
        while (!until() && Steady::now() < end) io_.run_one_for(50ms);
        ASSERT_TRUE(until()) << "not within the time";
    }
    template <class T, class Start>
    base::Result<T> wait(Start start) {
        std::optional<base::Result<T>> got;
        start(node::Done<T>([&](base::Result<T> result) { got.emplace(std::move(result)); }));
        turn([&] { return got.has_value(); }, 60s);
        return got ? *std::move(got) : base::fail(base::Code::timeout, "no answer");
    }

    void import() {
        const auto names =
            wait<std::vector<std::string>>([&](auto done) { runtime_->import_image(image_archive, std::move(done)); });
        ASSERT_TRUE(names) << names.error().message;
        ASSERT_EQ(names->front(), "docker.io/library/busybox:1.36");
    }
    node::PodSetup pod(const std::string& uid) const {
        return {.uid = uid, .ns = "default", .name = "pod-" + uid, .hostname = "host-" + uid, .qos = "besteffort"};
    }
    node::ContainerSetup container(const std::string& uid, std::vector<std::string> argv) const {
        return {.pod_uid = uid,
                .name = "main",
                .image_ref = "docker.io/library/busybox:1.36",
                .argv = std::move(argv),
                .log_path = base_ + "/logs/" + uid + "/0.log",
                .labels = {{"app", "test"}}};
    }
    std::string up(const std::string& uid) {
        const auto network =
            wait<node::PodNetwork>([&](auto done) { runtime_->set_up_pod(pod(uid), std::move(done)); });
        EXPECT_TRUE(network) << network.error().message;
        return network ? network->ip : "";
    }
    std::string run(node::ContainerSetup setup) {
        const auto started =
            wait<node::ContainerObserved>([&](auto done) { runtime_->start_container(setup, std::move(done)); });
        EXPECT_TRUE(started) << started.error().message;
        return started ? started->id : "";
    }
    void down(const std::string& uid) {
        const auto gone = wait<void>([&](auto done) { runtime_->tear_down_pod(uid, std::move(done)); });
        EXPECT_TRUE(gone) << gone.error().message;
    }
    std::string exec(const std::string& id, const std::string& script) {
        const auto out = wait<node::ExecOutput>([&](auto done) {
            runtime_->exec(id, {"sh", "-c", script}, 10s, std::move(done));
        });
        return out ? out->output : out.error().message;
    }
    /// The texts of a log, records joined.
    std::string log(const std::string& uid) const {
        std::ifstream file(base_ + "/logs/" + uid + "/0.log");
        std::string text;
        for (std::string line; std::getline(file, line);) {
            const auto stream = line.find(' ') + 1, kind = line.find(' ', stream) + 1;
            text += line.substr(kind + 2) + (line[kind] == 'F' ? "\n" : "");
        }
        return text;
    }

    std::string base_;
    edge::EdgeSettings settings_;
    boost::asio::io_context io_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_{io_.get_executor()};
    run::AsioLoop loop_{io_};
    std::map<std::string, node::ContainerObserved> exits_;
    std::unique_ptr<edge::ContainerdRuntime> runtime_;
};

TEST_F(EdgeLive, APodFromStartToEnd) {
    import();
    const auto image =
        wait<std::optional<node::ImageInfo>>([&](auto done) { runtime_->image("busybox:1.36", std::move(done)); });
    ASSERT_TRUE(image && *image);
    EXPECT_EQ((*image)->cmd, std::vector<std::string>{"sh"});
    EXPECT_EQ(up("a"), "10.203.77.2");
    const auto id = run(container("a", {"sh", "-c", "hostname; echo err >&2; printf unfinished; exit 3"}));
    turn([&] { return exits_.contains(id); });
    EXPECT_EQ(exits_[id].exit_code, 3);
    EXPECT_EQ(exits_[id].state, node::ContainerState::exited);
    EXPECT_EQ(exits_[id].labels.at("app"), "test");
    const auto text = log("a");
    for (const char* line : {"host-a\n", "err\n", "unfinished"})
        EXPECT_NE(text.find(line), std::string::npos) << text;
    EXPECT_TRUE(wait<void>([&](auto done) { runtime_->remove_container(id, std::move(done)); }));
    down("a");
    down("a");
    const auto left = wait<node::Observed>([&](auto done) { runtime_->list(std::move(done)); });
    EXPECT_TRUE(left->pods.empty() && left->containers.empty());
}

TEST_F(EdgeLive, ErrorsHaveRuncsWords) {
    import();
    up("a");
    const auto missing = wait<node::ContainerObserved>(
        [&](auto done) { runtime_->start_container(container("a", {"nope"}), std::move(done)); });
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, base::Code::invalid);
    EXPECT_NE(missing.error().message.find("exec: \"nope\": executable file not found in $PATH"), std::string::npos)
        << missing.error().message;
    auto other = container("a", {"true"});
    other.image_ref = "docker.io/library/nothing:1";
    EXPECT_FALSE(wait<node::ContainerObserved>([&](auto done) { runtime_->start_container(other, std::move(done)); }));
    const auto none =
        wait<std::optional<node::ImageInfo>>([&](auto done) { runtime_->image("nothing:1", std::move(done)); });
    EXPECT_TRUE(none && !*none);
}

TEST_F(EdgeLive, PodsReachEachOtherAndThemselves) {
    import();
    const auto a = up("a"), b = up("b");
    const auto web = run(container("a", {"httpd", "-f", "-p", "8080", "-h", "/etc"}));
    const auto client = run(container("b", {"sleep", "1000"}));
    EXPECT_EQ(exec(client, "printf 'GET /passwd HTTP/1.0\r\n\r\n' | nc " + a + " 8080 | grep -c ^root:"), "1\n");
    EXPECT_EQ(exec(client, "hostname; cat /proc/sys/kernel/hostname"), "host-b\nhost-b\n");
    const auto late = wait<node::ExecOutput>([&](auto done) {
        runtime_->exec(client, {"sleep", "100"}, 300ms, std::move(done));
    });
    EXPECT_TRUE(late && late->timed_out);
    const auto bad = wait<node::ExecOutput>([&](auto done) { runtime_->exec(client, {"nope"}, 1s, std::move(done)); });
    EXPECT_FALSE(bad);
    EXPECT_TRUE(wait<void>([&](auto done) { runtime_->signal(web, SIGTERM, std::move(done)); }));
    EXPECT_TRUE(wait<void>([&](auto done) { runtime_->signal(client, SIGKILL, std::move(done)); }));
    turn([&] { return exits_.contains(client); });
    EXPECT_EQ(exits_[client].exit_code, 137);
    EXPECT_FALSE(exits_[client].oom_killed);
    down("a");
    down("b");
}

TEST_F(EdgeLive, ARestartLosesNoLineAndNoExit) {
    import();
    up("a");
    up("b");
    const auto counting =
        run(container("a", {"sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo line $i; done; sleep 1000"}));
    const auto short_lived = run(container("b", {"sh", "-c", "sleep 1; echo last words; exit 7"}));
    const auto ip = up("a");
    restart();
    const auto seen = wait<node::Observed>([&](auto done) { runtime_->list(std::move(done)); });
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->pods.size(), 2u);
    EXPECT_EQ(seen->containers.size(), 2u);
    EXPECT_EQ(up("a"), ip);
    turn([&] { return log("a").find("line 20000\n") != std::string::npos; });
    std::string expected;
    for (int i = 1; i <= 20000; ++i) expected += "line " + std::to_string(i) + "\n";
    EXPECT_TRUE(log("a") == expected);
    turn([&] { return exits_.contains(short_lived); });
    EXPECT_EQ(exits_[short_lived].exit_code, 7);
    EXPECT_EQ(log("b"), "last words\n");
    EXPECT_EQ(exec(counting, "echo here"), "here\n");
    down("a");
    down("b");
}

TEST_F(EdgeLive, AnExitWhileNobodyListensIsToldWithItsLastLines) {
    import();
    up("a");
    const auto id = run(container("a", {"sh", "-c", "sleep 0.3; echo unheard; printf tail; exit 9"}));
    runtime_.reset();
    turn([start = Steady::now()] { return Steady::now() - start > 1s; });
    restart();
    EXPECT_TRUE(wait<node::Observed>([&](auto done) { runtime_->list(std::move(done)); }));
    turn([&] { return exits_.contains(id); });
    EXPECT_EQ(exits_[id].exit_code, 9);
    EXPECT_EQ(log("a"), "unheard\ntail");
    down("a");
}

TEST_F(EdgeLive, ContainerdsDeathIsNoDeathOfPods) {
    import();
    up("a");
    const auto id = run(container("a", {"sleep", "1000"}));
    std::ifstream file(settings_.run_dir + "/containerd.pid");
    pid_t pid = 0;
    ASSERT_TRUE(file >> pid && pid > 1);
    ::kill(pid, SIGKILL);
    EXPECT_EQ(exec(id, "echo alive"), "alive\n");
    EXPECT_TRUE(wait<void>([&](auto done) { runtime_->signal(id, SIGKILL, std::move(done)); }));
    turn([&] { return exits_.contains(id); });
    down("a");
}

TEST_F(EdgeLive, VolumesAreMountedAndLeaveNothing) {
    import();
    edge::Files files(settings_);
    const auto secret = files.project("a", "secret", {{"key", "hidden", 0400}, {"folder/b", "2"}}, {.gid = 2000});
    const auto memory = files.empty_dir("a", "memory", "Memory", 1 << 20, {});
    const auto cache = files.empty_dir("a", "cache", "", 0, {.gid = 2000});
    ASSERT_TRUE(secret && memory && cache);
    const auto sub = files.sub_path(*cache, "deep/er");
    ASSERT_TRUE(sub) << sub.error().message;
    const auto key = files.sub_path(*secret, "key");
    ASSERT_TRUE(key) << key.error().message;
    fs::create_symlink("/etc", *cache + "/out");
    EXPECT_FALSE(files.sub_path(*cache, "out/passwd"));
    EXPECT_FALSE(files.sub_path(*cache, "../secret"));
    up("a");
    auto setup = container("a", {"sleep", "1000"});
    setup.user = "nobody";
    setup.supplemental_gids = {2000};
    setup.seccomp = "RuntimeDefault";
    setup.read_only_root = true;
    setup.capabilities_drop = {"ALL"};
    setup.mounts = {
        {*secret, "/secret", true}, {*memory, "/memory"}, {*cache, "/cache"}, {*sub, "/sub"}, {*key, "/key", true}};
    const auto id = run(setup);
    EXPECT_EQ(
        exec(id, "id -u; cat /secret/key /secret/folder/b /key; echo; echo x > /sub/file; cat /cache/deep/er/file"),
        "65534\nhidden2hidden\nx\n");
    EXPECT_NE(exec(id, "echo y > /secret/new; echo y > /new").find("Read-only file system"), std::string::npos);
    EXPECT_EQ(exec(id, "df -k /memory | tail -1 | awk '{print $2}'; stat -c %a:%g /cache"), "1024\n2777:2000\n");
    ASSERT_TRUE(files.project("a", "secret", {{"key", "changed", 0400}}, {.gid = 2000}));
    EXPECT_EQ(exec(id, "cat /secret/key; ls /secret"), "changedkey\n");
    down("a");
    files.remove_pod("a");
    EXPECT_TRUE(edge::mounts_below(settings_.volumes_dir()).empty());
    EXPECT_FALSE(fs::exists(settings_.volumes_dir() + "/a"));
}

TEST_F(EdgeLive, ProbesMeetThePod) {
    import();
    const auto ip = up("a");
    run(container("a", {"httpd", "-f", "-p", "8080", "-h", "/etc"}));
    edge::Prober prober(io_, loop_);
    const auto get = [&](const std::string& path, int port) {
        return wait<node::Prober::HttpAnswer>([&](auto done) {
            prober.http({.scheme = "http", .host = ip, .path = path, .port = port}, 2s, std::move(done));
        });
    };
    turn([&] { return wait<void>([&](auto done) { prober.tcp(ip, 8080, 1s, std::move(done)); }).has_value(); });
    const auto found = get("/passwd", 8080);
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->status, 200);
    EXPECT_TRUE(found->body.starts_with("root:x:0:0"));
    EXPECT_EQ(get("/nothing", 8080)->status, 404);
    EXPECT_EQ(get("/", 9).error().message,
              "Get \"http://" + ip + ":9/\": dial tcp " + ip + ":9: connect: connection refused");
    const auto refused = wait<void>([&](auto done) { prober.tcp(ip, 9, 1s, std::move(done)); });
    EXPECT_EQ(refused.error().message, "dial tcp " + ip + ":9: connect: connection refused");
    down("a");
}

TEST_F(EdgeLive, LimitsHold) {
    import();
    auto limited = pod("a");
    limited.qos = "burstable";
    limited.memory_limit_bytes = 64 << 20;
    limited.cpu_quota_us = 100000;
    limited.sysctls = {{"net.ipv4.ip_unprivileged_port_start", "80"}};
    ASSERT_TRUE(wait<node::PodNetwork>([&](auto done) { runtime_->set_up_pod(limited, std::move(done)); }));
    auto setup = container("a", {"sh", "-c", "cat /proc/sys/net/ipv4/ip_unprivileged_port_start; tail /dev/zero"});
    setup.memory_limit_bytes = 24 << 20;
    setup.cpu_quota_us = 100000;
    const auto id = run(setup);
    turn([&] { return exits_.contains(id); });
    EXPECT_EQ(exits_[id].exit_code, 137);
    EXPECT_TRUE(exits_[id].oom_killed);
    EXPECT_EQ(log("a").substr(0, 3), "80\n");
    auto next = container("a", {"sleep", "1000"});
    next.attempt = 1;
    next.tty = true;
    next.memory_limit_bytes = 24 << 20;
    next.stdin_open = true;
    next.argv = {"cat"};
    const auto second = run(next);
    EXPECT_EQ(exec(second, "tty; cat /proc/1/comm"), "not a tty\ncat\n");  // it waits for input that nobody sends
    EXPECT_TRUE(
        wait<void>([&](auto done) { runtime_->update_resources(second, 4, 50000, 32 << 20, std::move(done)); }));
    down("a");
}

TEST_F(EdgeLive, HostNetworkAndImages) {
    import();
    auto shared = pod("a");
    shared.host_network = shared.host_pid = shared.host_ipc = true;
    const auto network = wait<node::PodNetwork>([&](auto done) { runtime_->set_up_pod(shared, std::move(done)); });
    ASSERT_TRUE(network) << network.error().message;
    const auto id = run(container("a", {"sleep", "1000"}));
    EXPECT_NE(exec(id, "ip link").find(settings_.bridge), std::string::npos);
    down("a");
    const auto images = wait<std::vector<node::ImageInfo>>([&](auto done) { runtime_->images(std::move(done)); });
    ASSERT_TRUE(images && images->size() == 1);
    EXPECT_EQ(images->front().names.front(), "docker.io/library/busybox:1.36");
    const auto by_id =
        wait<std::optional<node::ImageInfo>>([&](auto done) { runtime_->image(images->front().id, std::move(done)); });
    EXPECT_TRUE(by_id && *by_id);
    const auto pulled =
        wait<node::ImageInfo>([&](auto done) { runtime_->pull("127.0.0.1:9/x:1", "user:word", std::move(done)); });
    ASSERT_FALSE(pulled);
    EXPECT_EQ(pulled.error().code, base::Code::unavailable);
    EXPECT_NE(pulled.error().message.find("connection refused"), std::string::npos) << pulled.error().message;
}

TEST_F(EdgeLive, WhatItTakes) {
    import();
    up("warm");
    run(container("warm", {"sleep", "1000"}));
    auto start = Steady::now();
    up("one");
    const double set_up = ms_since(start);
    const auto id = run(container("one", {"sleep", "1000"}));
    std::cout << "one pod: set up " << set_up << " ms, running after " << ms_since(start) << " ms\n";
    start = Steady::now();
    EXPECT_TRUE(wait<void>([&](auto done) { runtime_->signal(id, SIGKILL, std::move(done)); }));
    turn([&] { return exits_.contains(id); });
    std::cout << "killed and its exit told after " << ms_since(start) << " ms";
    down("one");
    std::cout << ", gone after " << ms_since(start) << " ms\n";
    start = Steady::now();
    int running = 0, gone = 0;
    for (int i = 0; i < 20; ++i) {
        const auto uid = "many-" + std::to_string(i);
        runtime_->set_up_pod(pod(uid), [this, uid, &running](auto) {
            runtime_->start_container(container(uid, {"sleep", "1000"}),
                                      [&running](auto started) { running += started ? 1 : 0; });
        });
    }
    turn([&] { return running == 20; });
    std::cout << "20 pods: running after " << ms_since(start) << " ms\n";
    std::cout << "with 20 pods: " << memory("VmRSS") << " kB RSS, of which " << memory("RssAnon") << " anonymous\n";
    start = Steady::now();
    for (int i = 0; i < 20; ++i)
        runtime_->tear_down_pod("many-" + std::to_string(i), [&](auto result) { gone += result ? 1 : 0; });
    turn([&] { return gone == 20; });
    std::cout << "20 pods: gone after " << ms_since(start) << " ms\n";
    down("warm");
}

}  // namespace

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    if (argc > 1) image_archive = argv[1];
    if (::geteuid() != 0 || ::access("/usr/bin/containerd", X_OK) != 0 || ::access(image_archive.c_str(), R_OK) != 0) {
        std::cout << "edge_live cannot run: it needs root, containerd and the busybox archive as its argument\n";
        return 77;
    }
    // A network namespace of its own: nothing leaves, and nothing of this machine is met.
    if (::unshare(CLONE_NEWNET) != 0) return 77;
    return RUN_ALL_TESTS();
}
