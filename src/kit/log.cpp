#include "kit/log.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

#include "kit/json_text.h"

namespace kit {
namespace {
constexpr std::size_t flush_bytes = 32 * 1024;
constexpr std::size_t waiting_bytes_max = 8 * 1024 * 1024;
constexpr auto retry_time = std::chrono::milliseconds(10);
constexpr int last_patience_ms = 1000;
constexpr std::string_view level_names[] = {"debug", "info", "warn", "error"};
}  // namespace

Log::Log(run::Loop& loop, int fd, std::string service, Level least) : loop_(loop), fd_(fd), least_(least) {
    append_json_string(service_, service);
}

/// Formatting a date costs more than a request: it is done once a second.
std::string_view Log::stamp() {
    const auto now = loop_.now();
    const auto second = std::chrono::floor<std::chrono::seconds>(now);
    if (second.time_since_epoch().count() != stamp_second_) {
        stamp_second_ = second.time_since_epoch().count();
        stamp_ = base::rfc3339(second);
        stamp_.replace(stamp_.size() - 1, 1, ".000Z");
    }
    auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(now - second).count();
    for (std::size_t at = stamp_.size() - 2; milliseconds >= 0 && at >= stamp_.size() - 4; --at, milliseconds /= 10) {
        stamp_[at] = static_cast<char>('0' + milliseconds % 10);
    }
    return stamp_;
}

Log::~Log() { push(last_patience_ms); }

void Log::write(Level level, std::string_view message, Fields fields) {
    if (!wants(level)) return;
    if (buffer_.size() >= waiting_bytes_max) {
        ++lost_;
        return;
    }
    if (lost_ > 0)
        append(Level::warn, "log lines were lost: the reader was too slow", {{"lines", std::exchange(lost_, 0)}});
    append(level, message, fields);
    if (level == Level::error || (buffer_.size() >= flush_bytes && !retry_)) return flush();
    if (retry_ || std::exchange(flush_planned_, true)) return;
    loop_.post([this] { flush(); });
}

void Log::append(Level level, std::string_view message, Fields fields) {
    buffer_ += "{\"timestamp\":\"";
    buffer_ += stamp();
    buffer_ += "\",\"level\":\"";
    buffer_ += level_names[static_cast<int>(level)];
    buffer_ += "\",\"service\":";
    buffer_ += service_;
    buffer_ += ",\"message\":";
    append_json_string(buffer_, message);
    for (const auto& [name, value] : fields) {
        buffer_ += ',';
        JsonText json(buffer_);
        json.key(name);
        std::visit([&](const auto& content) { json.value(content); }, value);
    }
    buffer_ += "}\n";
}

void Log::flush() {
    flush_planned_ = false;
    push(0);
    if (buffer_.empty()) return;
    retry_ = loop_.after(retry_time, [this] {
        retry_.cancel();
        flush();
    });
}

/// A pipe that is ready takes PIPE_BUF bytes without blocking (pipe(7)); making stdout non-blocking instead would
/// change it for everybody who shares it.
void Log::push(int patience_ms) {
    std::size_t at = 0;
    while (at < buffer_.size()) {
        pollfd ready{.fd = fd_, .events = POLLOUT, .revents = 0};
        const int polled = ::poll(&ready, 1, patience_ms);
        if (polled == 0) break;
        const auto wrote =
            polled < 0 ? -1 : ::write(fd_, buffer_.data() + at, std::min<std::size_t>(buffer_.size() - at, PIPE_BUF));
        if (wrote < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (wrote <= 0) at = buffer_.size();  // nobody will ever read it
        if (wrote > 0) at += static_cast<std::size_t>(wrote);
    }
    buffer_.erase(0, at);
}

}  // namespace kit
