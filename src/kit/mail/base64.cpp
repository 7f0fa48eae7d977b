#include "kit/mail/base64.h"

#include <cstdint>

namespace kit::mail {

std::string base64(std::string_view bytes) {
    static constexpr char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        std::uint32_t group = 0;
        for (std::size_t next = 0; next < 3; ++next) {
            group = group << 8 | (at + next < bytes.size() ? static_cast<unsigned char>(bytes[at + next]) : 0);
        }
        for (std::size_t letter = 0; letter < 4; ++letter) {
            out += at + letter > bytes.size() ? '=' : letters[group >> (18 - 6 * letter) & 63];
        }
    }
    return out;
}

}  // namespace kit::mail
