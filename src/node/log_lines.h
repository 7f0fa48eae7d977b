// The cluster's log format, line by line: "2026-11-21T12:00:00.000000000Z stdout F text". Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace node {

struct LogLine {
    base::Time at{};
    std::string_view stamp;   ///< the time as written
    std::string_view stream;  ///< stdout | stderr
    bool partial = false;     ///< the line goes on in the next entry
    std::string_view text;    ///< without the newline
};
/// `line` without its newline; nothing when it is not in the format.
std::optional<LogLine> parse_log_line(std::string_view line);

/// The text of the last `lines_max` lines of a log file's end; a first line that is cut is left out.
std::string last_lines(std::string_view file_end, std::size_t lines_max);

}  // namespace node
