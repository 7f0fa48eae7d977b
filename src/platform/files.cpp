// Small files, written whole or not at all.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "platform/pki.h"

namespace platform {

using base::Code;
using base::Result;

Result<void> write_file(const std::filesystem::path& file, std::string_view content, int mode) {
    std::error_code error;
    std::filesystem::create_directories(file.parent_path(), error);
    const auto temporary = file.string() + ".new";
    const auto refuse = [&](const char* what) {
        return base::fail(Code::internal, fmt::format("cannot {} {}: {}", what, file.string(), std::strerror(errno)));
    };
    const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0) return refuse("write");
    ::fchmod(fd, static_cast<mode_t>(mode));
    std::size_t done = 0;
    while (done < content.size()) {
        const auto n = ::write(fd, content.data() + done, content.size() - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            const auto refused = refuse("write");
            ::close(fd);
            return refused;
        }
        done += static_cast<std::size_t>(n);
    }
    ::fsync(fd);
    ::close(fd);
    if (::rename(temporary.c_str(), file.c_str()) != 0) return refuse("rename");
    return {};
}

Result<std::string> read_file(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) return base::fail(Code::not_found, fmt::format("cannot read {}: {}", file.string(), std::strerror(errno)));
    std::ostringstream all;
    all << in.rdbuf();
    return std::move(all).str();
}

}  // namespace platform
