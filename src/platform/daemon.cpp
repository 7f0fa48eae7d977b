#include "platform/daemon.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "platform/pki.h"

namespace platform {

using base::Code;
using base::Result;

namespace {

constexpr const char* starter_variable = "SLIPWAY_STARTER_FD";
constexpr std::string_view ready_word = "ready\n";
constexpr int stop_wait_ms = 20'000;

std::filesystem::path pid_file(const std::filesystem::path& run_dir) { return run_dir / "slipway.pid"; }

std::optional<pid_t> pid_in(const std::filesystem::path& file) {
    const auto text = read_file(file);
    pid_t pid = 0;
    if (!text || std::from_chars(text->data(), text->data() + text->size(), pid).ec != std::errc{} || pid <= 0)
        return std::nullopt;
    return pid;
}

/// In the child: becomes the daemon. Never returns.
[[noreturn]] void become(const std::vector<std::string>& arguments, int log, int starter) {
    ::setsid();
    const int nothing = ::open("/dev/null", O_RDONLY);
    ::dup2(nothing, 0);
    ::dup2(log, 1);
    ::dup2(log, 2);
    ::setenv(starter_variable, fmt::format("{}", starter).c_str(), 1);
    std::vector<char*> argv;
    for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    ::execv("/proc/self/exe", argv.data());
    ::_exit(127);
}

std::string read_all(int fd) {
    std::string text;
    char buffer[4096];
    for (;;) {
        const auto n = ::read(fd, buffer, sizeof buffer);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return text;
        text.append(buffer, static_cast<std::size_t>(n));
    }
}

}  // namespace

Result<Pid> Pid::take(const std::filesystem::path& run_dir) {
    std::error_code error;
    std::filesystem::create_directories(run_dir, error);
    const auto file = pid_file(run_dir);
    const int lock = ::open((run_dir / "slipway.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0)
        return base::fail(Code::internal,
                          fmt::format("cannot open {}/slipway.lock: {}", run_dir.string(), std::strerror(errno)));
    if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
        ::close(lock);
        const auto holder = pid_in(file);
        return base::fail(Code::conflict,
                          fmt::format("a Slipway already serves from {} (pid {}); stop it by `slipway down`, or "
                                      "choose another --run-dir, --data-dir and --instance",
                                      run_dir.string(), holder ? *holder : 0));
    }
    TRY(write_file(file, fmt::format("{}\n", ::getpid()), 0644));
    return Pid(lock, file);
}

Pid::Pid(Pid&& other) noexcept : lock_(std::exchange(other.lock_, -1)), file_(std::move(other.file_)) {}

Pid::~Pid() {
    if (lock_ < 0) return;
    ::unlink(file_.c_str());
    ::close(lock_);
}

std::optional<pid_t> running(const std::filesystem::path& run_dir) {
    const int lock = ::open((run_dir / "slipway.lock").c_str(), O_RDWR | O_CLOEXEC);
    if (lock < 0) return std::nullopt;
    const bool free = ::flock(lock, LOCK_EX | LOCK_NB) == 0;
    ::close(lock);
    return free ? std::nullopt : pid_in(pid_file(run_dir));
}

Result<void> start_in_background(const std::vector<std::string>& arguments, const std::filesystem::path& log) {
    std::error_code error;
    std::filesystem::create_directories(log.parent_path(), error);
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (out < 0)
        return base::fail(Code::internal, fmt::format("cannot write {}: {}", log.string(), std::strerror(errno)));
    int ends[2];
    if (::pipe(ends) != 0) return base::fail(Code::internal, "no pipe can be had");
    ::fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    const pid_t child = ::fork();
    if (child == 0) become(arguments, out, ends[1]);
    ::close(ends[1]);
    ::close(out);
    if (child < 0) {
        ::close(ends[0]);
        return base::fail(Code::internal, "no process can be had");
    }
    const auto said = read_all(ends[0]);
    ::close(ends[0]);
    if (said == ready_word) return {};
    ::waitpid(child, nullptr, 0);
    return base::fail(Code::unavailable,
                      said.empty() ? fmt::format("the platform ended at once; see {}", log.string()) : said);
}

void tell_starter(std::string_view text) {
    const char* number = ::getenv(starter_variable);
    int fd = -1;
    if (!number || std::from_chars(number, number + std::strlen(number), fd).ec != std::errc{} || fd < 0) return;
    const auto message = text.empty() ? ready_word : text;
    [[maybe_unused]] const auto written = ::write(fd, message.data(), message.size());
    ::close(fd);
    ::unsetenv(starter_variable);
}

bool stop_process(pid_t pid) {
    const int handle = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    if (handle < 0) return false;
    ::kill(pid, SIGTERM);
    pollfd ended{handle, POLLIN, 0};
    if (::poll(&ended, 1, stop_wait_ms) == 0) {
        ::kill(pid, SIGKILL);
        ::poll(&ended, 1, stop_wait_ms);
    }
    ::close(handle);
    return true;
}

}  // namespace platform
