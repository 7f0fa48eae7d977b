#include "kit/web/frames.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <array>
#include <utility>

namespace kit {
namespace {

constexpr std::size_t control_bytes_max = 125;
constexpr std::size_t mask_bytes = 4;
constexpr std::string_view accept_suffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

unsigned char byte(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }

std::uint64_t big_endian(std::string_view bytes) {
    std::uint64_t number = 0;
    for (std::size_t at = 0; at < bytes.size(); ++at) number = number << 8 | byte(bytes, at);
    return number;
}

bool is_control(Opcode opcode) { return (static_cast<int>(opcode) & 8) != 0; }

}  // namespace

bool Utf8Check::put(std::string_view bytes) {
    for (const char c : bytes) {
        const auto next = static_cast<unsigned char>(c);
        if (left_ > 0) {
            if (next < low_ || next > high_) return false;
            low_ = 0x80;
            high_ = 0xbf;
            --left_;
        } else if (next >= 0x80) {
            if (next < 0xc2 || next > 0xf4) return false;
            left_ = next < 0xe0 ? 1 : next < 0xf0 ? 2 : 3;
            low_ = next == 0xe0 ? 0xa0 : next == 0xf0 ? 0x90 : 0x80;
            high_ = next == 0xed ? 0x9f : next == 0xf4 ? 0x8f : 0xbf;
        }
    }
    return true;
}

std::optional<Said> FrameReader::next() {
    while (!over_) {
        Frame frame;
        const auto found = cut(frame);
        if (found == Cut::more) return std::nullopt;
        if (found == Cut::broken) return broken(why_code_, std::move(why_));
        if (auto said = take(std::move(frame))) return said;
    }
    return std::nullopt;
}

FrameReader::Cut FrameReader::check_head(unsigned char first, unsigned char second) {
    const auto opcode = static_cast<Opcode>(first & 0x0f);
    const auto refuse = [this](std::string_view why) {
        why_code_ = close_code::protocol_error;
        why_ = why;
        return Cut::broken;
    };
    if ((first & 0x70) != 0) return refuse("a reserved bit is set");
    if (opcode > Opcode::pong || (opcode > Opcode::binary && opcode < Opcode::close)) return refuse("unknown opcode");
    if ((second & 0x80) == 0) return refuse("a client's frames are masked");
    if (is_control(opcode) && ((first & 0x80) == 0 || (second & 0x7f) > control_bytes_max))
        return refuse("control frames are short and whole");
    if (opcode == Opcode::continuation && !in_message_) return refuse("nothing is there to continue");
    if (in_message_ && (opcode == Opcode::text || opcode == Opcode::binary)) return refuse("a message is not finished");
    return Cut::frame;
}

bool FrameReader::check_length(std::uint64_t length, std::size_t head_bytes) {
    const std::uint64_t least = head_bytes == 10 ? 65'536 : head_bytes == 4 ? 126 : 0;
    if (length < least || length >> 63 != 0) {
        why_code_ = close_code::protocol_error;
        why_ = "a length is not said in the shortest way";
        return false;
    }
    if (length > message_bytes_max_ || (in_message_ && message_.size() + length > message_bytes_max_)) {
        why_code_ = close_code::too_big;
        why_ = "the message is too large";
        return false;
    }
    return true;
}

FrameReader::Cut FrameReader::cut(Frame& frame) {
    if (buffer_.size() < 2) return Cut::more;
    const auto first = byte(buffer_, 0);
    const auto second = byte(buffer_, 1);
    if (check_head(first, second) == Cut::broken) return Cut::broken;
    const int said = second & 0x7f;
    const std::size_t head_bytes = said == 127 ? 10 : said == 126 ? 4 : 2;
    if (buffer_.size() < head_bytes) return Cut::more;
    const std::uint64_t length = head_bytes == 2 ? static_cast<std::uint64_t>(said)
                                                 : big_endian(std::string_view(buffer_).substr(2, head_bytes - 2));
    if (!check_length(length, head_bytes)) return Cut::broken;
    const std::size_t start = head_bytes + mask_bytes;
    if (buffer_.size() < start + length) return Cut::more;
    frame.last = (first & 0x80) != 0;
    frame.opcode = static_cast<Opcode>(first & 0x0f);
    frame.payload = buffer_.substr(start, length);
    for (std::size_t at = 0; at < frame.payload.size(); ++at) {
        frame.payload[at] = static_cast<char>(frame.payload[at] ^ buffer_[head_bytes + at % mask_bytes]);
    }
    buffer_.erase(0, start + length);
    return Cut::frame;
}

std::optional<Said> FrameReader::take(Frame frame) {
    switch (frame.opcode) {
        case Opcode::ping:
            return Said{Said::What::ping, std::move(frame.payload)};
        case Opcode::pong:
            return Said{Said::What::pong, std::move(frame.payload)};
        case Opcode::close:
            return closed(frame.payload);
        case Opcode::binary:
            return broken(close_code::not_taken, "only text is taken here");
        default:
            return take_text(std::move(frame));
    }
}

/// Text that cannot become UTF-8 is refused with the fragment that shows it.
std::optional<Said> FrameReader::take_text(Frame frame) {
    in_message_ = !frame.last;
    if (!utf8_.put(frame.payload) || (frame.last && !utf8_.complete()))
        return broken(close_code::bad_text, "the text is not UTF-8");
    message_ += frame.payload;
    if (!frame.last) return std::nullopt;
    return Said{Said::What::text, std::exchange(message_, {})};
}

Said FrameReader::closed(const std::string& payload) {
    if (payload.size() == 1) return broken(close_code::protocol_error, "half a close code");
    over_ = true;
    if (payload.empty()) return {Said::What::close, "", close_code::none};
    const auto code = static_cast<std::uint16_t>(big_endian(std::string_view(payload).substr(0, 2)));
    if (!may_be_sent(code)) return broken(close_code::protocol_error, "no such close code");
    Utf8Check utf8;
    if (!utf8.put(std::string_view(payload).substr(2)) || !utf8.complete())
        return broken(close_code::bad_text, "the reason is not UTF-8");
    return {Said::What::close, payload.substr(2), code};
}

Said FrameReader::broken(std::uint16_t code, std::string why) {
    over_ = true;
    buffer_.clear();
    message_.clear();
    return {Said::What::broken, std::move(why), code};
}

std::string frame(Opcode opcode, std::string_view payload) {
    std::string bytes;
    bytes.reserve(payload.size() + 10);
    bytes += static_cast<char>(0x80 | static_cast<int>(opcode));
    const auto size = payload.size();
    const int length_bytes = size < 126 ? 0 : size < 65'536 ? 2 : 8;
    bytes += static_cast<char>(length_bytes == 0 ? size : length_bytes == 2 ? 126 : 127);
    for (int at = length_bytes - 1; at >= 0; --at) bytes += static_cast<char>(size >> (8 * at) & 0xff);
    bytes += payload;
    return bytes;
}

std::string close_frame(std::uint16_t code, std::string_view reason) {
    if (!may_be_sent(code)) return frame(Opcode::close, {});
    std::string payload;
    payload += static_cast<char>(code >> 8);
    payload += static_cast<char>(code & 0xff);
    payload += reason.substr(0, control_bytes_max - 2);
    return frame(Opcode::close, payload);
}

bool may_be_sent(std::uint16_t code) {
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

std::string accept_key(std::string_view key) {
    std::array<unsigned char, 24> decoded{};
    if (key.size() != 24 || !key.ends_with("==") ||
        EVP_DecodeBlock(decoded.data(), reinterpret_cast<const unsigned char*>(key.data()), 24) != 18)
        return {};
    std::string text(key);
    text += accept_suffix;
    std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
    ::SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
    std::array<char, 32> encoded{};
    const int length =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()), digest.data(), SHA_DIGEST_LENGTH);
    return {encoded.data(), static_cast<std::size_t>(length)};
}

}  // namespace kit
