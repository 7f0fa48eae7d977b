// The log: one JSON line an event, with time, level, a constant message and fields. Secrets are not passed to it.
// A reader that does not keep up never stops the service: lines wait in memory, and beyond a bound are counted only.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

#include "run/loop.h"

namespace kit {

enum class Level : std::uint8_t { debug, info, warn, error };

struct LogField {
    std::string_view name;
    std::variant<std::string_view, std::int64_t, double> value;

    LogField(std::string_view name_, std::string_view text) : name(name_), value(text) {}
    LogField(std::string_view name_, const char* text) : name(name_), value(std::string_view(text)) {}
    LogField(std::string_view name_, const std::string& text) : name(name_), value(std::string_view(text)) {}
    LogField(std::string_view name_, double number) : name(name_), value(number) {}
    LogField(std::string_view name_, std::integral auto number)
        : name(name_), value(static_cast<std::int64_t>(number)) {}
};

class Log {
 public:
    /// Lines go to `fd`, gathered per turn of the loop. `service` is a field of each line.
    Log(run::Loop& loop, int fd, std::string service, Level least);
    /// Gives a slow reader a last second.
    ~Log();
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    using Fields = std::initializer_list<LogField>;
    void debug(std::string_view message, Fields fields = {}) { write(Level::debug, message, fields); }
    void info(std::string_view message, Fields fields = {}) { write(Level::info, message, fields); }
    void warn(std::string_view message, Fields fields = {}) { write(Level::warn, message, fields); }
    /// A person must act.
    void error(std::string_view message, Fields fields = {}) { write(Level::error, message, fields); }
    void write(Level level, std::string_view message, Fields fields);
    bool wants(Level level) const { return level >= least_; }
    void flush();

 private:
    std::string_view stamp();
    void append(Level level, std::string_view message, Fields fields);
    /// Writes what goes within `patience_ms`.
    void push(int patience_ms);
    run::Loop& loop_;
    int fd_;
    std::string service_;  ///< as JSON
    Level least_;
    std::string buffer_;
    std::string stamp_;  ///< of the second below, to which milliseconds are added
    std::int64_t stamp_second_ = -1;
    std::uint64_t lost_ = 0;
    bool flush_planned_ = false;
    run::Timer retry_;
};

}  // namespace kit
