#include "kit/log.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "kit/json_text.h"

namespace kit {
namespace {
constexpr std::size_t buffer_bytes_max = 32 * 1024;
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

void Log::write(Level level, std::string_view message, Fields fields) {
    if (!wants(level)) return;
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
    if (buffer_.size() >= buffer_bytes_max || level == Level::error) return flush();
    if (std::exchange(flush_planned_, true)) return;
    loop_.post([this] { flush(); });
}

void Log::flush() {
    flush_planned_ = false;
    for (std::size_t at = 0; at < buffer_.size();) {
        const auto wrote = ::write(fd_, buffer_.data() + at, buffer_.size() - at);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) break;  // nobody reads the log: that must not stop the service
        at += static_cast<std::size_t>(wrote);
    }
    buffer_.clear();
}

}  // namespace kit
