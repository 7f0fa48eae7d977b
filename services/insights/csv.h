// CSV (RFC 4180) that no spreadsheet takes for a program.
#pragma once

#include <string>
#include <string_view>

namespace insights {

/// Appends one cell with its comma unless it is a line's first. Text that a spreadsheet would calculate (it begins with
/// = + - @, a tab or a line break) gets an apostrophe in front; numbers are the caller's to append with cell_number.
void append_cell(std::string& line, std::string_view text);
void append_number_cell(std::string& line, std::string_view number);
/// "\r\n".
void end_line(std::string& line);

}  // namespace insights
