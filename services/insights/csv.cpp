#include "insights/csv.h"

namespace insights {
namespace {

void begin_cell(std::string& line) {
    if (!line.empty() && line.back() != '\n') line += ',';
}

}  // namespace

/// An empty first cell is quoted, so that the next one has its comma.
void append_cell(std::string& line, std::string_view text) {
    begin_cell(line);
    const bool calculated =
        !text.empty() && std::string_view("=+-@\t\r\n").find(text.front()) != std::string_view::npos;
    const bool quoted = text.empty() || text.find_first_of(",\"\r\n") != std::string_view::npos;
    if (quoted) line += '"';
    if (calculated) line += '\'';
    for (const char c : text) {
        if (c == '"') line += '"';
        line += c;
    }
    if (quoted) line += '"';
}

void append_number_cell(std::string& line, std::string_view number) {
    begin_cell(line);
    line += number;
}

void end_line(std::string& line) { line += "\r\n"; }

}  // namespace insights
