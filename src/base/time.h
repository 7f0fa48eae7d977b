// Points in time and their text forms on the wire.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace base {

using Duration = std::chrono::nanoseconds;
/// Wall time with nanoseconds, UTC.
using Time = std::chrono::sys_time<Duration>;

/// "2026-11-21T12:00:00Z": metav1.Time.
std::string rfc3339(Time t);
/// "2026-11-21T12:00:00.000000Z": MicroTime.
std::string rfc3339_micro(Time t);
/// "2026-11-21T12:00:00.000000000Z", trailing zeros kept: log lines.
std::string rfc3339_nano(Time t);
/// Any RFC 3339 text, with offset and fraction; nothing when it is not one.
std::optional<Time> parse_rfc3339(std::string_view text);

}  // namespace base
