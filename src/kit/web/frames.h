// WebSocket's frames (RFC 6455, 5): what a client sends as messages, and ours as bytes. No sockets here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kit {

enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

namespace close_code {
inline constexpr std::uint16_t normal = 1000, going_away = 1001, protocol_error = 1002, not_taken = 1003, none = 1005,
                               abnormal = 1006, bad_text = 1007, too_big = 1009, try_later = 1013;
}

/// UTF-8 piece by piece (The Unicode Standard, table 3-7).
class Utf8Check {
 public:
    /// False as soon as it cannot be UTF-8.
    bool put(std::string_view bytes);
    /// Whether it may end here.
    bool complete() const { return left_ == 0; }

 private:
    int left_ = 0;                            ///< bytes of the character that has begun
    unsigned char low_ = 0x80, high_ = 0xbf;  ///< what the next one may be
};

/// Whether all of it is UTF-8.
inline bool is_utf8(std::string_view text) {
    Utf8Check check;
    return check.put(text) && check.complete();
}

/// One thing that a client said.
struct Said {
    enum class What : std::uint8_t { text, ping, pong, close, broken } what;
    std::string data;        ///< text; what a ping held; the reason of a close; what is broken
    std::uint16_t code = 0;  ///< of close and broken: what to close with
};

class FrameReader {
 public:
    explicit FrameReader(std::size_t message_bytes_max) : message_bytes_max_(message_bytes_max) {}

    void put(std::string_view bytes) { buffer_ += bytes; }
    /// The next, or nothing before more bytes come. After close or broken there is nothing any more.
    std::optional<Said> next();

 private:
    struct Frame {
        bool last;
        Opcode opcode;
        std::string payload;
    };
    enum class Cut : std::uint8_t { frame, more, broken };
    Cut cut(Frame& frame);
    Cut check_head(unsigned char first, unsigned char second);
    bool check_length(std::uint64_t length, std::size_t head_bytes);
    std::optional<Said> take(Frame frame);
    std::optional<Said> take_text(Frame frame);
    Said closed(const std::string& payload);
    Said broken(std::uint16_t code, std::string why);

    std::size_t message_bytes_max_;
    std::string buffer_;
    std::string message_;  ///< of the fragments so far
    Utf8Check utf8_;
    bool in_message_ = false;
    bool over_ = false;
    std::uint16_t why_code_ = 0;
    std::string why_;
};

/// A server's frame: unmasked and whole.
std::string frame(Opcode opcode, std::string_view payload);
std::string close_frame(std::uint16_t code, std::string_view reason);
/// Whether a close frame may hold it (7.4).
bool may_be_sent(std::uint16_t code);
/// What answers a client's Sec-WebSocket-Key; "" when that is no key (16 bytes in base64).
std::string accept_key(std::string_view key);

}  // namespace kit
