// The head of an answer as bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "kit/http/server.h"

namespace kit::http {

std::string_view reason_phrase(int status);

/// The value of the Date header, made once a second.
class DateText {
 public:
    std::string_view at(run::Time now);

 private:
    std::int64_t second_ = -1;
    std::string text_;
};

enum class Framing : std::uint8_t {
    length,   ///< Content-Length
    chunked,  ///< Transfer-Encoding: chunked
    none,     ///< no body by rule (204, 304), or ended by closing
};

struct HeadOptions {
    Framing framing = Framing::length;
    std::size_t body_bytes = 0;
    bool close = false;
    bool http_1_1 = true;
    std::string_view date;
    std::string_view fixed;  ///< whole field lines
};

/// Appends the status line, `headers` and the fields that the server owns (Date unless given, Connection, framing).
void append_head(std::string& out, int status, const Headers& headers, const HeadOptions& options);
/// "1f\r\n": the line before a chunk of `bytes`.
std::string chunk_line(std::size_t bytes);

}  // namespace kit::http
