// Peek (tee), write, then take: in this order, so that a line is in the file before it leaves the FIFO.
#include "edge/logs/log_pump.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

namespace edge {
namespace {

constexpr std::size_t window = 65536;  // a FIFO's capacity

base::Time now() { return std::chrono::time_point_cast<base::Duration>(std::chrono::system_clock::now()); }

/// No writer is left: what is there is all.
bool hung_up(int fd) {
    pollfd look{.fd = fd, .events = POLLIN, .revents = 0};
    return ::poll(&look, 1, 0) > 0 && (look.revents & POLLHUP) != 0;
}

}  // namespace

struct LogPump::Stream {
    const char* name;
    Fd fd;
    bool ended = false;
};

struct LogPump::Log {
    std::string id, path;
    std::vector<Stream> streams;
    Fd file;
    std::size_t size = 0;
    bool finishing = false;
    std::vector<Reactor::Work> done;
};

LogPump::LogPump(Reactor& reactor) : reactor_(reactor), buffer_(window) {
    int ends[2];
    base::check(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0, "a pipe can be made");
    scratch_out_ = Fd(ends[0]);
    scratch_in_ = Fd(ends[1]);
}

LogPump::~LogPump() = default;

base::Result<void> LogPump::open(const LogSource& source) {
    auto log = std::make_shared<Log>();
    log->id = source.id;
    log->path = source.log_path;
    for (const auto& [name, path] :
         {std::pair{"stdout", source.stdout_fifo}, std::pair{"stderr", source.stderr_fifo}}) {
        if (path.empty()) continue;
        Fd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
        if (!fd) return fail_errno(path);
        log->streams.push_back({name, std::move(fd)});
    }
    if (!log->path.empty()) {
        log->file = Fd(::open(log->path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640));
        if (!log->file) return fail_errno(log->path);
        struct stat info {};
        ::fstat(log->file.get(), &info);
        log->size = static_cast<std::size_t>(info.st_size);
    }
    reactor_.post([this, log] { attach(log); });
    return {};
}

void LogPump::attach(const std::shared_ptr<Log>& log) {
    logs_[log->id] = log;
    for (auto& stream : log->streams) {
        // Edge-triggered: the unfinished line that is left in the FIFO must not wake us again and again.
        reactor_.watch(stream.fd.get(), EPOLLIN | EPOLLET, [this, log = log.get(), &stream](std::uint32_t events) {
            drain(*log, stream, events & EPOLLHUP ? Tail::take : Tail::leave);
            if (log->finishing) close_when_done(log->id);
        });
    }
}

void LogPump::drain(Log& log, Stream& stream, Tail tail) {
    while (!stream.ended) {
        const auto seen = ::tee(stream.fd.get(), scratch_in_.get(), window, SPLICE_F_NONBLOCK);
        if (seen < 0 && errno == EINTR) continue;
        if (seen < 0 && errno == EAGAIN && tail == Tail::leave) return;
        if (seen <= 0) {
            stream.ended = true;
            return;
        }
        std::size_t got = 0;
        while (got < static_cast<std::size_t>(seen)) {
            const auto part = ::read(scratch_out_.get(), buffer_.data() + got, window - got);
            if (part <= 0) break;
            got += static_cast<std::size_t>(part);
        }
        // With no writer left the last line is what is there; while there is one, it may go on.
        const std::string_view input(buffer_.data(), got);
        auto records = log_records(input, stream.name, now(), tail);
        if (records.consumed == 0 && tail == Tail::leave) return;
        write(log, records.text);
        for (std::size_t left = records.consumed; left > 0;) {
            const auto part = ::read(stream.fd.get(), buffer_.data(), left);
            if (part <= 0) break;
            left -= static_cast<std::size_t>(part);
        }
    }
}

void LogPump::write(Log& log, const std::string& text) {
    if (!log.file) return;
    if (log.size > 0 && log.size + text.size() > file_bytes_max) rotate(log);
    for (std::size_t done = 0; done < text.size();) {
        const auto put = ::write(log.file.get(), text.data() + done, text.size() - done);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return;  // a full disk: the program must not stop for its log
        done += static_cast<std::size_t>(put);
    }
    log.size += text.size();
}

void LogPump::rotate(Log& log) {
    namespace fs = std::filesystem;
    auto stamp = base::rfc3339_nano(now());
    std::erase_if(stamp, [](char c) { return c == '-' || c == ':' || c == '.'; });
    std::error_code ignored;
    fs::rename(log.path, log.path + "." + stamp, ignored);
    log.file = Fd(::open(log.path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640));
    log.size = 0;
    const auto prefix = fs::path(log.path).filename().string() + ".";
    std::vector<fs::path> old;
    for (const auto& entry : fs::directory_iterator(fs::path(log.path).parent_path(), ignored)) {
        if (entry.path().filename().string().starts_with(prefix)) old.push_back(entry.path());
    }
    std::ranges::sort(old);
    for (std::size_t i = 0; i + files_max - 1 < old.size(); ++i) fs::remove(old[i], ignored);
}

void LogPump::finish(const std::string& id, std::chrono::milliseconds grace, Reactor::Work done) {
    reactor_.post([this, id, grace, done = std::move(done)]() mutable {
        const auto found = logs_.find(id);
        if (found == logs_.end()) return done();
        auto& log = *found->second;
        log.done.push_back(std::move(done));
        if (std::exchange(log.finishing, true)) return;
        for (auto& stream : log.streams) drain(log, stream, hung_up(stream.fd.get()) ? Tail::take : Tail::leave);
        reactor_.after(grace, [this, id] {
            const auto late = logs_.find(id);
            if (late == logs_.end()) return;
            for (auto& stream : late->second->streams) drain(*late->second, stream, Tail::take);
            close_when_done(id);
        });
        close_when_done(id);
    });
}

void LogPump::close_when_done(const std::string& id) {
    const auto found = logs_.find(id);
    if (found == logs_.end()) return;
    const auto log = found->second;
    if (!std::ranges::all_of(log->streams, [](const Stream& stream) { return stream.ended; })) return;
    for (auto& stream : log->streams) reactor_.forget(stream.fd.get());
    logs_.erase(found);
    for (auto& done : log->done) done();
}

}  // namespace edge
