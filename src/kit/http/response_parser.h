// The answer to one request out of a stream of bytes, by Boost.Beast's parser. Interim answers (1xx) are passed over;
// 101 is an answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "kit/http/server.h"

namespace kit::http {

class ResponseParser {
 public:
    enum class Step : std::uint8_t { more, done, too_large, invalid };
    struct Request {
        bool head = false;                    ///< its answer has no body, whatever it says
        std::optional<std::size_t> body_max;  ///< beyond it: too_large
    };

    ResponseParser();
    ~ResponseParser();

    /// Makes ready for the answer to the next request.
    void begin(const Request& request);
    /// Takes what it can of `bytes` and says how much in `taken`; what it left must be offered again with more.
    Step put(std::string_view bytes, std::size_t& taken);
    /// The connection has ended: done when that is how the answer ends.
    Step end();

    /// True from the end of the header on, of interim answers never.
    bool header_done() const;
    int status() const;
    Headers& headers();
    /// What has come of the body; the caller may empty it.
    std::string& body();
    bool keep_alive() const;

 private:
    class Machine;
    struct Slot;
    void restart();
    std::unique_ptr<Slot> slot_;
};

}  // namespace kit::http
