// The cluster's log format: "2026-11-21T12:00:00.000000000Z stdout F text\n". A line longer than 16384 bytes is split
// into P (partial) records and a last F one. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"

namespace edge {

inline constexpr std::size_t log_record_bytes_max = 16384;

enum class Tail : std::uint8_t {
    leave,  ///< an unfinished line stays unread: more of it will come
    take,   ///< the stream has ended: what is there is the last line
};

struct LogRecords {
    std::size_t consumed = 0;  ///< bytes of the input that stand in `text`
    std::string text;
};

/// The records of what a stream ("stdout", "stderr") gave at `at`.
LogRecords log_records(std::string_view input, std::string_view stream, base::Time at, Tail tail);

}  // namespace edge
