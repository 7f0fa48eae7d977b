#include "edge/logs/log_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>

#include "edge/fd.h"

namespace edge {

using base::Code;
using base::Result;
namespace fs = std::filesystem;

namespace {

std::unexpected<base::Error> refuse(const std::string& path) {
    const auto code = errno == ENOENT ? Code::not_found : Code::internal;
    return base::fail(code, fmt::format("{}: {}", path, std::strerror(errno)));
}

}  // namespace

/// Watches folders, since a log file is renamed and made anew; tells those who asked for a file in them.
class LogFiles::Watcher : public std::enable_shared_from_this<Watcher> {
 public:
    explicit Watcher(boost::asio::io_context& io) : stream_(io, ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {}

    struct Wish {
        std::string name;
        std::function<void()> changed;
    };

    class Held final : public Watching {
     public:
        Held(std::shared_ptr<Watcher> watcher, int folder, std::shared_ptr<Wish> wish)
            : watcher_(std::move(watcher)), folder_(folder), wish_(std::move(wish)) {}
        ~Held() override { watcher_->forget(folder_, wish_); }

     private:
        std::shared_ptr<Watcher> watcher_;
        int folder_;
        std::shared_ptr<Wish> wish_;
    };

    std::unique_ptr<Watching> add(const fs::path& path, std::function<void()> changed) {
        const int folder = ::inotify_add_watch(stream_.native_handle(), path.parent_path().c_str(),
                                               IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE);
        auto wish = std::make_shared<Wish>(path.filename().string(), std::move(changed));
        wishes_[folder].push_back(wish);
        if (!reading_) read();
        return std::make_unique<Held>(shared_from_this(), folder, std::move(wish));
    }

 private:
    void forget(int folder, const std::shared_ptr<Wish>& wish) {
        const auto found = wishes_.find(folder);
        if (found == wishes_.end()) return;
        std::erase(found->second, wish);
        if (!found->second.empty()) return;
        ::inotify_rm_watch(stream_.native_handle(), folder);
        wishes_.erase(found);
        if (wishes_.empty()) stream_.cancel();
    }

    void read() {
        reading_ = true;
        stream_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                           [weak = weak_from_this()](const boost::system::error_code& error) {
                               const auto self = weak.lock();
                               if (!self) return;
                               self->reading_ = false;
                               if (!error) self->take();
                               if (!self->wishes_.empty()) self->read();
                           });
    }

    void take() {
        alignas(inotify_event) char buffer[16 * 1024];
        std::vector<std::shared_ptr<Wish>> told;
        for (;;) {
            const auto size = ::read(stream_.native_handle(), buffer, sizeof buffer);
            if (size <= 0) break;
            for (const char* at = buffer; at < buffer + size;) {
                const auto* event = reinterpret_cast<const inotify_event*>(at);
                at += sizeof(inotify_event) + event->len;
                if (const auto found = wishes_.find(event->wd); found != wishes_.end() && event->len > 0)
                    for (const auto& wish : found->second)
                        if (wish->name == event->name && std::ranges::find(told, wish) == told.end())
                            told.push_back(wish);
            }
        }
        for (const auto& wish : told) wish->changed();
    }

    boost::asio::posix::stream_descriptor stream_;
    std::map<int, std::vector<std::shared_ptr<Wish>>> wishes_;  ///< by the folder's watch
    bool reading_ = false;
};

LogFiles::LogFiles(boost::asio::io_context& io) : io_(io) {}
LogFiles::~LogFiles() = default;

Result<std::string> LogFiles::read(const std::string& path, std::uint64_t offset, std::size_t bytes_max) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0) return refuse(path);
    std::string bytes(bytes_max, '\0');
    const auto size = ::pread(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (size < 0) return refuse(path);
    bytes.resize(static_cast<std::size_t>(size));
    return bytes;
}

Result<LogFiles::Facts> LogFiles::facts(const std::string& path) {
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0) return refuse(path);
    return Facts{static_cast<std::uint64_t>(found.st_size), static_cast<std::uint64_t>(found.st_ino)};
}

std::vector<std::string> LogFiles::rotated(const std::string& path) {
    const auto prefix = fs::path(path).filename().string() + ".";
    std::vector<std::string> older;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(fs::path(path).parent_path(), ignored))
        if (entry.path().filename().string().starts_with(prefix)) older.push_back(entry.path().string());
    std::ranges::sort(older);
    return older;
}

std::unique_ptr<LogFiles::Watching> LogFiles::watch(const std::string& path, std::function<void()> changed) {
    if (!watcher_) watcher_ = std::make_shared<Watcher>(io_);
    return watcher_->add(path, std::move(changed));
}

}  // namespace edge
