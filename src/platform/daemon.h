// The daemon as a process: started in the background by `up`, found again by its pid file, ended by `down`.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace platform {

/// Holds the one right to serve from a run directory, and its pid file, for as long as it lives.
class Pid {
 public:
    /// Code::conflict, naming the pid, when another daemon serves there.
    static base::Result<Pid> take(const std::filesystem::path& run_dir);
    Pid(Pid&& other) noexcept;
    Pid& operator=(Pid&&) = delete;
    ~Pid();

 private:
    Pid(int lock, std::filesystem::path file) : lock_(lock), file_(std::move(file)) {}
    int lock_;
    std::filesystem::path file_;
};

/// The pid of the daemon that serves there now.
std::optional<pid_t> running(const std::filesystem::path& run_dir);

/// Starts `arguments` (argv of `serve`) in the background with its output in `log`, and waits until it says that it is
/// ready. The Error is what it said before it ended.
base::Result<void> start_in_background(const std::vector<std::string>& arguments, const std::filesystem::path& log);
/// Tells the waiting starter, if there is one, that all is ready, or what failed.
void tell_starter(std::string_view text);

/// SIGTERM, then waits until the process has ended (KILL after 20 s). False when there was none.
bool stop_process(pid_t pid);

}  // namespace platform
