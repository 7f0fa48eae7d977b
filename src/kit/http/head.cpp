#include "kit/http/head.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>

#include "kit/http/ascii.h"

namespace kit::http {
namespace {

struct Phrase {
    int status;
    std::string_view text;
};

/// Sorted by status (RFC 9110, 15).
constexpr Phrase phrases[] = {{100, "Continue"},
                              {101, "Switching Protocols"},
                              {200, "OK"},
                              {201, "Created"},
                              {202, "Accepted"},
                              {204, "No Content"},
                              {206, "Partial Content"},
                              {301, "Moved Permanently"},
                              {302, "Found"},
                              {303, "See Other"},
                              {304, "Not Modified"},
                              {307, "Temporary Redirect"},
                              {308, "Permanent Redirect"},
                              {400, "Bad Request"},
                              {401, "Unauthorized"},
                              {403, "Forbidden"},
                              {404, "Not Found"},
                              {405, "Method Not Allowed"},
                              {406, "Not Acceptable"},
                              {408, "Request Timeout"},
                              {409, "Conflict"},
                              {410, "Gone"},
                              {412, "Precondition Failed"},
                              {413, "Content Too Large"},
                              {415, "Unsupported Media Type"},
                              {422, "Unprocessable Content"},
                              {426, "Upgrade Required"},
                              {428, "Precondition Required"},
                              {429, "Too Many Requests"},
                              {431, "Request Header Fields Too Large"},
                              {500, "Internal Server Error"},
                              {501, "Not Implemented"},
                              {502, "Bad Gateway"},
                              {503, "Service Unavailable"},
                              {504, "Gateway Timeout"},
                              {505, "HTTP Version Not Supported"}};

/// What the server alone decides; the same from a handler is dropped, so that no answer contradicts itself.
bool owned_by_server(std::string_view name) {
    switch (name.size()) {
        case 10:
            return same_text(name, "Connection");
        case 14:
            return same_text(name, "Content-Length");
        case 17:
            return same_text(name, "Transfer-Encoding");
        default:
            return false;
    }
}

/// A line break in a value would end the header: it becomes a space.
void append_value(std::string& out, std::string_view value) {
    const auto start = out.size();
    out += value;
    std::replace_if(
        out.begin() + static_cast<std::ptrdiff_t>(start), out.end(),
        [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
}

template <class Number>
void append_number(std::string& out, Number number, int base = 10) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, number, base);
    out.append(digits, end.ptr);
}

}  // namespace

std::string_view reason_phrase(int status) {
    if (status == 200) return "OK";
    const auto* found = std::ranges::lower_bound(phrases, status, {}, &Phrase::status);
    return found != std::end(phrases) && found->status == status ? found->text : "Status";
}

std::string_view DateText::at(run::Time now) {
    const auto second = std::chrono::floor<std::chrono::seconds>(now);
    if (second.time_since_epoch().count() == second_) return text_;
    second_ = second.time_since_epoch().count();
    static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto day = std::chrono::floor<std::chrono::days>(second);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(second - day);
    char text[64];
    const int length = std::snprintf(text, sizeof text, "%s, %02u %s %04d %02d:%02d:%02d GMT",
                                     days[std::chrono::weekday(day).c_encoding()], static_cast<unsigned>(date.day()),
                                     months[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                                     static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                                     static_cast<int>(time.seconds().count()));
    text_.assign(text, static_cast<std::size_t>(length));
    return text_;
}

void append_head(std::string& out, int status, const Headers& headers, const HeadOptions& options) {
    out += "HTTP/1.1 ";
    append_number(out, status);
    out += ' ';
    out += reason_phrase(status);
    out += "\r\n";
    bool dated = false;
    for (const auto& [name, value] : headers.all()) {
        if (owned_by_server(name)) continue;
        if (name.size() == 4 && same_text(name, "Date")) dated = true;
        append_value(out, name);
        out += ": ";
        append_value(out, value);
        out += "\r\n";
    }
    if (!dated) {
        out += "Date: ";
        out += options.date;
        out += "\r\n";
    }
    out += options.fixed;
    if (options.close) {
        out += "Connection: close\r\n";
    } else if (!options.http_1_1) {
        out += "Connection: keep-alive\r\n";
    }
    if (options.framing == Framing::length) {
        out += "Content-Length: ";
        append_number(out, options.body_bytes);
        out += "\r\n";
    } else if (options.framing == Framing::chunked) {
        out += "Transfer-Encoding: chunked\r\n";
    }
    out += "\r\n";
}

std::string chunk_line(std::size_t bytes) {
    std::string line;
    append_number(line, bytes, 16);
    line += "\r\n";
    return line;
}

}  // namespace kit::http
