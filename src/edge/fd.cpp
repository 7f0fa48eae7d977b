// Small file calls with errors as values.
#include "edge/fd.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

namespace edge {

void Fd::reset() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

std::unexpected<base::Error> fail_errno(std::string_view what) {
    const int error = errno;
    const auto code = error == ENOENT   ? base::Code::not_found
                      : error == EEXIST ? base::Code::already_exists
                                        : base::Code::internal;
    return base::fail(code, std::string(what) + ": " + std::strerror(error));
}

base::Result<std::string> read_file(const std::string& path) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return fail_errno(path);
    std::string content;
    char chunk[16384];
    for (;;) {
        const auto got = ::read(file.get(), chunk, sizeof chunk);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_errno(path);
        if (got == 0) return content;
        content.append(chunk, static_cast<std::size_t>(got));
    }
}

base::Result<void> write_file(const std::string& path, std::string_view content, int mode) {
    const auto fresh = path + ".new";
    const Fd file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    if (!file) return fail_errno(fresh);
    std::size_t done = 0;
    while (done < content.size()) {
        const auto put = ::write(file.get(), content.data() + done, content.size() - done);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return fail_errno(fresh);
        done += static_cast<std::size_t>(put);
    }
    if (::fchmod(file.get(), static_cast<mode_t>(mode)) != 0) return fail_errno(fresh);
    if (::rename(fresh.c_str(), path.c_str()) != 0) return fail_errno(path);
    return {};
}

std::int64_t disk_use(const std::string& folder) {
    namespace fs = std::filesystem;
    constexpr std::int64_t block_bytes = 512;
    struct stat top {
    }, info{};
    if (::lstat(folder.c_str(), &top) != 0) return 0;
    std::int64_t all = 0;
    std::error_code error;
    for (auto it = fs::recursive_directory_iterator(folder, error); !error && it != fs::recursive_directory_iterator();
         it.increment(error)) {
        if (::lstat(it->path().c_str(), &info) != 0) continue;
        if (info.st_dev == top.st_dev)
            all += info.st_blocks * block_bytes;
        else
            it.disable_recursion_pending();
    }
    return all;
}

base::Result<void> write_control(const std::string& path, std::string_view content) {
    const Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file) return fail_errno(path);
    if (::write(file.get(), content.data(), content.size()) < 0) return fail_errno(path);
    return {};
}

base::Result<void> make_folders(const std::string& path, int mode) {
    for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
        const auto part = path.substr(0, end);
        if (::mkdir(part.c_str(), static_cast<mode_t>(mode)) != 0 && errno != EEXIST) return fail_errno(part);
        if (end == std::string::npos) return {};
    }
}

std::vector<std::string> mounts_below(const std::string& folder) {
    std::vector<std::string> found;
    std::ifstream table("/proc/self/mountinfo");
    for (std::string line; std::getline(table, line);) {
        std::istringstream fields(line);
        std::string skip, point;
        fields >> skip >> skip >> skip >> skip >> point;
        if (point == folder || point.starts_with(folder + "/")) found.push_back(point);
    }
    std::ranges::reverse(found);  // the table is in order of mounting
    return found;
}

}  // namespace edge
