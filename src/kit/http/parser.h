// One request after the other out of a stream of bytes, by Boost.Beast's parser, straight into a Request.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "kit/http/server.h"

namespace kit::http {

struct ParseLimits {
    std::size_t header_bytes_max;
    std::size_t body_bytes_max;
};

class RequestParser {
 public:
    enum class Step : std::uint8_t { more, done, refused };

    explicit RequestParser(ParseLimits limits);
    ~RequestParser();

    /// Makes ready for the next request.
    void begin();
    /// Takes what it can of `bytes` and says how much in `taken`; what it left must be offered again with more.
    Step put(std::string_view bytes, std::size_t& taken);

    bool header_done() const;
    bool keep_alive() const;
    /// False for HTTP/1.0, which knows no chunks.
    bool http_1_1() const;
    /// The client waits for `100 Continue` before it sends the body.
    bool expects_continue() const;
    /// After `done`.
    Request take();
    /// After `refused`: the status to answer and why.
    int status() const;
    std::string_view message() const;

 private:
    class Machine;
    struct Slot;
    std::unique_ptr<Slot> slot_;
};

}  // namespace kit::http
