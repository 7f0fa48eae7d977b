// A file descriptor with an owner, and the few calls on files that all of the edge uses.
#pragma once

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace edge {

class Fd {
 public:
    Fd() = default;
    explicit Fd(int fd) : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        if (this != &other) {
            reset();
            fd_ = std::exchange(other.fd_, -1);
        }
        return *this;
    }
    ~Fd() { reset(); }
    void reset();
    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }

 private:
    int fd_ = -1;
};

/// "what: No such file or directory", of the errno of the call just made.
std::unexpected<base::Error> fail_errno(std::string_view what);

base::Result<std::string> read_file(const std::string& path);
/// Replaces the file as a whole: a reader sees the old or the new one. Not synced.
base::Result<void> write_file(const std::string& path, std::string_view content, int mode);
/// Bytes on disk of all files below `folder` on its file system; what goes meanwhile is not counted.
std::int64_t disk_use(const std::string& folder);
/// Writes into a file that exists (cgroup, sysctl): one write.
base::Result<void> write_control(const std::string& path, std::string_view content);
base::Result<void> make_folders(const std::string& path, int mode);
/// Mount points of this process's mount namespace that lie at or below `folder`, deepest first.
std::vector<std::string> mounts_below(const std::string& folder);

}  // namespace edge
