#include "vehicles/csv.h"

#include <algorithm>

namespace vehicles {
namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

}  // namespace

/// The one that stands more often in the first line, outside of quotes.
void CsvReader::decide_separator() {
    std::size_t commas = 0, semicolons = 0;
    bool quoted = false;
    for (const char c : std::string_view(pending_).substr(read_)) {
        if (c == '"') quoted = !quoted;
        if (!quoted && c == '\n') break;
        if (!quoted && c == ',') ++commas;
        if (!quoted && c == ';') ++semicolons;
    }
    separator_ = semicolons > commas ? ';' : ',';
}

base::Result<bool> CsvReader::next(CsvRecord& record) {
    if (separator_ == 0) {
        const bool whole_line = pending_.find('\n') != std::string::npos || finished_;
        if (!whole_line && pending_.size() <= record_bytes_max) return false;
        if (pending_.starts_with(byte_order_mark)) read_ = byte_order_mark.size();
        decide_separator();
    }
    std::int64_t line = line_;
    record = {.line = line, .cells = {}};
    std::string cell;
    enum class State : std::uint8_t { begin, plain, quoted, quote_seen } state = State::begin;
    for (std::size_t at = read_;; ++at) {
        if (at - read_ > record_bytes_max) return base::fail(base::Code::invalid, "a record is too long");
        const bool end = at >= pending_.size();
        if (end && !finished_) return false;
        if (end && at == read_) return false;  // nothing is left
        if (end && state == State::quoted) return base::fail(base::Code::invalid, "a quote is never closed");
        const char c = end ? '\n' : pending_[at];
        if (state == State::quoted) {
            if (c == '\n') ++line;
            if (c == '"') {
                state = State::quote_seen;
            } else {
                cell += c;
            }
            continue;
        }
        if (c == '"' && state != State::plain) {
            if (state == State::quote_seen) cell += '"';
            state = State::quoted;
            continue;
        }
        if (state == State::quote_seen && c == '\r') continue;  // of a CRLF
        if (c != separator_ && c != '\n') {
            cell += c;
            state = State::plain;
            continue;
        }
        if (c == '\n' && state == State::plain && cell.ends_with('\r')) cell.pop_back();
        if (record.cells.size() >= cells_max) return base::fail(base::Code::invalid, "a record has too many cells");
        const bool empty_line = c == '\n' && record.cells.empty() && cell.empty() && state != State::quote_seen;
        if (!empty_line) record.cells.push_back(std::move(cell));
        cell.clear();
        state = State::begin;
        if (c == separator_) continue;
        read_ = std::min(at + 1, pending_.size());
        line_ = ++line;
        if (empty_line) {
            record.line = line_;
            continue;
        }
        if (read_ > record_bytes_max) {
            pending_.erase(0, read_);
            read_ = 0;
        }
        return true;
    }
}

void append_csv_cell(std::string& out, std::string_view text) {
    const bool formula = !text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos;
    const bool quoted = formula || text.find_first_of(",;\"\r\n") != std::string_view::npos || text.starts_with(' ') ||
                        text.ends_with(' ');
    if (!quoted) {
        out += text;
        return;
    }
    out += '"';
    if (formula) out += '\'';
    for (const char c : text) {
        if (c == '"') out += '"';
        out += c;
    }
    out += '"';
}

}  // namespace vehicles
