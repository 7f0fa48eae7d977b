// Spawning, adopting, watching and stopping a private containerd.
#include "edge/containerd/containerd.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string_view>
#include <vector>

extern char** environ;

namespace edge {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

std::string config_path(const EdgeSettings& s) { return s.containerd_dir() + "/config.toml"; }
std::string pid_path(const EdgeSettings& s) { return s.run_dir + "/containerd.pid"; }

std::string find_binary() {
    for (const char* folder : {"/usr/bin", "/usr/local/bin", "/usr/sbin"}) {
        const auto path = std::string(folder) + "/containerd";
        if (::access(path.c_str(), X_OK) == 0) return path;
    }
    return {};
}

bool overlay_known() {
    const auto known = read_file("/proc/filesystems");
    return known && known->find("\toverlay\n") != std::string::npos;
}

bool connects(const std::string& socket_path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket_path.size() >= sizeof address.sun_path) return false;
    std::memcpy(address.sun_path, socket_path.c_str(), socket_path.size() + 1);
    const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return ::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

/// The pid of a containerd that runs with our configuration, or 0.
pid_t running(const EdgeSettings& settings) {
    const auto text = read_file(pid_path(settings));
    if (!text) return 0;
    const pid_t pid = std::atoi(text->c_str());
    const auto line = read_file(fmt::format("/proc/{}/cmdline", pid));
    // A pid comes round again: only the command line with our own path proves that it is ours.
    return pid > 0 && line && line->find(config_path(settings)) != std::string::npos ? pid : 0;
}

Fd open_pid(pid_t pid) { return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

bool ends_within(const Fd& pidfd, std::chrono::milliseconds time) {
    pollfd wait{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
    return ::poll(&wait, 1, static_cast<int>(time.count())) > 0;
}

}  // namespace

/// Two settings keep it idle: its collector's looks come at (its mean time / pause_threshold), four times a second
/// by default, though each deletion wakes it anyway; and CRI would walk every snapshot's files each 10 s for figures
/// that nobody asks it for.
std::string containerd_config(const EdgeSettings& s) {
    return fmt::format(R"(version = 2
root = "{0}/root"
state = "{1}/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.native",
  "io.containerd.internal.v1.tracing", "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.restart"]
[debug]
  level = "warn"
[grpc]
  address = "{2}"
[ttrpc]
  address = "{2}.ttrpc"
[plugins."io.containerd.internal.v1.opt"]
  path = "{0}/opt"
[plugins."io.containerd.gc.v1.scheduler"]
  pause_threshold = 0.0005
[plugins."io.containerd.grpc.v1.cri"]
  disable_tcp_service = true
  stats_collect_period = 86400
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{3}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{0}/cni/bin"
    conf_dir = "{0}/cni/net.d"
)",
                       s.containerd_dir(), s.run_dir, s.containerd_socket(), s.certs_dir());
}

Containerd::Containerd(const EdgeSettings& settings, Reactor& reactor, std::function<void(std::string)> died)
    : settings_(settings), reactor_(reactor), died_(std::move(died)), stopping_(::eventfd(0, EFD_CLOEXEC)) {}

Containerd::~Containerd() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(stopping_.get(), &one, sizeof one);
    if (restart_.joinable()) restart_.join();
}

base::Result<void> Containerd::prepare() const {
    if (::geteuid() != 0) {
        return base::fail(base::Code::forbidden, "containers need root: start slipway as root (sudo)");
    }
    if (find_binary().empty()) {
        return base::fail(base::Code::unavailable, "containerd is not installed: apt-get install containerd runc");
    }
    if (!overlay_known()) {
        return base::fail(base::Code::unavailable,
                          "the kernel has no overlay file system: modprobe overlay, then start again");
    }
    if (settings_.containerd_socket().size() + 6 >= sizeof(sockaddr_un::sun_path)) {
        return base::fail(base::Code::bad_request,
                          "the run directory's path is too long for a socket: " + settings_.run_dir);
    }
    for (const auto& folder : {settings_.containerd_dir(), settings_.run_dir, settings_.certs_dir()}) {
        TRY(make_folders(folder, 0711));
    }
    return write_file(config_path(settings_), containerd_config(settings_), 0600);
}

base::Result<void> Containerd::spawn() {
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    const auto log = settings_.containerd_dir() + "/containerd.log";
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    posix_spawn_file_actions_addclosefrom_np(&files, 3);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

    const auto binary = find_binary();
    const auto config = config_path(settings_);
    const char* argv[] = {binary.c_str(), "--config", config.c_str(), nullptr};
    // Its garbage is collected at half its usual growth: 3 MB less at rest, and no slower start of pods was measured.
    char frugal[] = "GOGC=50";
    std::vector<char*> environment{frugal};
    for (char** one = environ; *one; ++one) {
        if (std::string_view(*one).starts_with("GOGC="))
            environment.front() = *one;
        else
            environment.push_back(*one);
    }
    environment.push_back(nullptr);
    pid_t pid = 0;
    errno = ::posix_spawn(&pid, binary.c_str(), &files, &attributes, const_cast<char**>(argv), environment.data());
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    if (errno != 0) return fail_errno(binary);
    pid_ = pid;
    started_ = Steady::now();
    return write_file(pid_path(settings_), std::to_string(pid), 0644);
}

base::Result<void> Containerd::await_socket() const {
    const auto pidfd = open_pid(pid_);
    for (const auto end = Steady::now() + 20s; Steady::now() < end;) {
        if (connects(settings_.containerd_socket())) return {};
        if (ends_within(pidfd, 5ms)) {
            return base::fail(base::Code::unavailable,
                              "containerd ended at once: see " + settings_.containerd_dir() + "/containerd.log");
        }
    }
    return base::fail(base::Code::timeout, "containerd does not open " + settings_.containerd_socket() + ": see " +
                                               settings_.containerd_dir() + "/containerd.log");
}

base::Result<void> Containerd::start() {
    TRY(prepare());
    pid_ = running(settings_);
    if (pid_ == 0) TRY(spawn());
    TRY(await_socket());
    watch();
    return {};
}

void Containerd::watch() {
    reactor_.post([this, pid = pid_.load()] {
        pidfd_ = open_pid(pid);
        if (!pidfd_) return on_death();  // it died just now
        reactor_.watch(pidfd_.get(), EPOLLIN, [this](std::uint32_t) { on_death(); });
    });
}

void Containerd::on_death() {
    if (pidfd_) reactor_.forget(pidfd_.get());
    pidfd_.reset();
    ::waitpid(pid_, nullptr, WNOHANG);
    quick_deaths_ = Steady::now() - started_ < 10s ? quick_deaths_ + 1 : 0;
    // The first time at once; again and again, ever slower.
    const auto pause =
        quick_deaths_ <= 1 ? 0ms : std::min<std::chrono::milliseconds>(10s, 250ms * (1 << std::min(quick_deaths_, 6)));
    died_(fmt::format("containerd (pid {}) ended; the next starts in {} ms", pid_.load(), pause.count()));
    if (restart_.joinable()) restart_.join();  // it has only waited for the socket of the one that is dead
    restart_ = std::jthread([this, pause] {
        pollfd wait{.fd = stopping_.get(), .events = POLLIN, .revents = 0};
        if (::poll(&wait, 1, static_cast<int>(pause.count())) > 0) return;
        if (auto spawned = spawn(); !spawned) return died_(spawned.error().message);
        watch();
    });
}

base::Result<void> Containerd::stop(const EdgeSettings& settings) {
    const pid_t pid = running(settings);
    if (pid == 0) return {};
    const auto pidfd = open_pid(pid);
    if (!pidfd) return {};
    for (const int signal : {SIGTERM, SIGKILL}) {
        ::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0);
        if (!ends_within(pidfd, 5s)) continue;
        ::waitpid(pid, nullptr, WNOHANG);
        ::unlink(pid_path(settings).c_str());
        return {};
    }
    return base::fail(base::Code::timeout, fmt::format("containerd (pid {}) does not end", pid));
}

}  // namespace edge
