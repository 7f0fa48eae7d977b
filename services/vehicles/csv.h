// CSV as people's programs write it (RFC 4180): quotes, line ends within them, CRLF or LF, a byte order mark, commas or
// semicolons. It takes pieces as they come and holds no more than one record.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vehicles {

struct CsvRecord {
    std::int64_t line = 1;  ///< where it begins
    std::vector<std::string> cells;
};

class CsvReader {
 public:
    static constexpr std::size_t record_bytes_max = 64 * 1024;
    static constexpr std::size_t cells_max = 200;

    void add(std::string_view bytes) { pending_ += bytes; }
    /// No more will come: a last record without a line end counts too.
    void finish() { finished_ = true; }
    /// The next whole record; false when more bytes are needed (or, after finish(), when there is none). Empty lines
    /// are passed over. An Error, when a record is too long or a quote is never closed, ends the reading.
    base::Result<bool> next(CsvRecord& record);

 private:
    void decide_separator();

    std::string pending_;
    std::size_t read_ = 0;  ///< of `pending_`
    std::int64_t line_ = 1;
    char separator_ = 0;  ///< not known yet
    bool finished_ = false;
};

/// A cell as CSV writes it, quoted where it must be. Text that a spreadsheet would take for a formula gets an
/// apostrophe in front.
void append_csv_cell(std::string& out, std::string_view text);

}  // namespace vehicles
