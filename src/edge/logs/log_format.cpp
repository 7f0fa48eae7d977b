// Lines to records.
#include "edge/logs/log_format.h"

#include <algorithm>

namespace edge {

LogRecords log_records(std::string_view input, std::string_view stream, base::Time at, Tail tail) {
    LogRecords out;
    const auto head = base::rfc3339_nano(at) + " " + std::string(stream);
    const auto record = [&](std::string_view kind, std::string_view text) {
        out.text.append(head).append(kind).append(text).push_back('\n');
    };
    while (out.consumed < input.size()) {
        const auto rest = input.substr(out.consumed);
        const auto window = rest.substr(0, log_record_bytes_max + 1);
        const auto newline = window.find('\n');
        if (newline != std::string_view::npos) {
            record(" F ", rest.substr(0, newline));
            out.consumed += newline + 1;
        } else if (rest.size() > log_record_bytes_max) {
            record(" P ", rest.substr(0, log_record_bytes_max));
            out.consumed += log_record_bytes_max;
        } else if (tail == Tail::take) {
            record(" P ", rest);  // no newline came: none is shown
            out.consumed += rest.size();
        } else {
            break;
        }
    }
    return out;
}

}  // namespace edge
