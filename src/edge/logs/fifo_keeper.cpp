// Starting, ordering and ending the keeper.
#include "edge/logs/fifo_keeper.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

extern char** environ;

namespace edge {
namespace {

// The read end alone is kept: a kept write end would hide that the program has closed its own. A FIFO opens for
// reading without waiting only while somebody may write, hence the short-lived open for both.
constexpr const char* script = R"(exec 0<>"$1"
declare -A held
while read -r verb id path; do
  case $verb in
    keep) [ -p "$path" ] && exec {both}<>"$path" && exec {kept}<"$path" && held[$id]+=" $kept"; exec {both}>&- ;;
    hold) [ -p "$path" ] && exec {both}<>"$path" && held[$id]+=" $both" ;;
    drop) for fd in ${held[$id]}; do exec {fd}<&-; done; unset "held[$id]" ;;
  esac
done)";

std::string orders_path(const EdgeSettings& settings) { return settings.run_dir + "/keeper"; }
std::string pid_path(const EdgeSettings& settings) { return settings.run_dir + "/keeper.pid"; }

/// The pid of a keeper that runs on our orders, or 0.
pid_t running(const EdgeSettings& settings) {
    const auto text = read_file(pid_path(settings));
    const pid_t pid = text ? std::atoi(text->c_str()) : 0;
    if (pid <= 1) return 0;
    const auto line = read_file("/proc/" + std::to_string(pid) + "/cmdline");
    return line && line->find(orders_path(settings)) != std::string::npos ? pid : 0;
}

}  // namespace

base::Result<void> FifoKeeper::start() {
    const auto orders = orders_path(settings_);
    if (::mkfifo(orders.c_str(), 0600) != 0 && errno != EEXIST) return fail_errno(orders);
    // For both, so that orders wait in the FIFO and writing never ends us with SIGPIPE.
    orders_ = Fd(::open(orders.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
    if (!orders_) return fail_errno(orders);
    if (running(settings_) != 0) return {};

    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    for (const int fd : {0, 1, 2}) posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_RDWR, 0);
    posix_spawn_file_actions_addclosefrom_np(&files, 3);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
    const char* argv[] = {"bash", "--norc", "-c", script, "slipway-fifo-keeper", orders.c_str(), nullptr};
    pid_t pid = 0;
    errno = ::posix_spawn(&pid, "/bin/bash", &files, &attributes, const_cast<char**>(argv), environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    if (errno != 0) return fail_errno("/bin/bash");
    return write_file(pid_path(settings_), std::to_string(pid), 0644);
}

void FifoKeeper::order(const std::string& line) {
    [[maybe_unused]] const auto written = ::write(orders_.get(), line.data(), line.size());  // below PIPE_BUF: whole
}

void FifoKeeper::keep(const std::string& id, const std::string& fifo) { order("keep " + id + " " + fifo + "\n"); }
void FifoKeeper::hold(const std::string& id, const std::string& fifo) { order("hold " + id + " " + fifo + "\n"); }
void FifoKeeper::drop(const std::string& id) { order("drop " + id + "\n"); }

void FifoKeeper::stop(const EdgeSettings& settings) {
    const pid_t pid = running(settings);
    if (pid == 0) return;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);  // when it is our own child
    ::unlink(pid_path(settings).c_str());
}

}  // namespace edge
