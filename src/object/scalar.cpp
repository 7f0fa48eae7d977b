// Texts of times, durations and bytes, as Go's standard library reads and writes them.
#include "object/scalar.h"

#include <fmt/format.h>

#include <array>

namespace object {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr auto sextets = [] {
    std::array<std::int8_t, 256> out{};
    out.fill(-1);
    for (std::size_t i = 0; i < alphabet.size(); ++i)
        out[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
    return out;
}();

constexpr std::int64_t micro = 1'000, milli = 1'000'000, second = 1'000'000'000;

/// value / unit with as many decimals as it has.
std::string decimals(std::int64_t value, std::int64_t unit, int digits) {
    auto out = fmt::format("{}.{:0{}}", value / unit, value % unit, digits);
    while (out.back() == '0') out.pop_back();
    if (out.back() == '.') out.pop_back();
    return out;
}

std::optional<std::int64_t> unit_of(std::string_view name) {
    if (name == "ns") return 1;
    if (name == "us" || name == "µs" || name == "μs") return micro;
    if (name == "ms") return milli;
    if (name == "s") return second;
    if (name == "m") return 60 * second;
    if (name == "h") return 3600 * second;
    return {};
}

}  // namespace

std::string duration_text(base::Duration d) {
    std::int64_t n = d.count();
    if (n == 0) return "0s";
    const std::string sign = n < 0 ? "-" : "";
    if (n < 0) n = -n;
    if (n < micro) return sign + fmt::format("{}ns", n);
    if (n < milli) return sign + decimals(n, micro, 3) + "µs";
    if (n < second) return sign + decimals(n, milli, 6) + "ms";
    std::string out = sign;
    const auto minutes = n / (60 * second);
    if (minutes >= 60) out += fmt::format("{}h", minutes / 60);
    if (minutes > 0) out += fmt::format("{}m", minutes % 60);
    return out + decimals(n % (60 * second), second, 9) + "s";
}

std::optional<base::Duration> parse_duration(std::string_view text) {
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    if (text == "0") return base::Duration(0);
    if (text.empty()) return {};
    long double total = 0;
    while (!text.empty()) {
        const auto digits = std::min(text.find_first_not_of("0123456789."), text.size());
        const auto unit_end = std::min(text.find_first_of("0123456789.", digits), text.size());
        const auto unit = unit_of(text.substr(digits, unit_end - digits));
        const auto number = text.substr(0, digits);
        if (!unit || number.find_first_of("0123456789") == std::string_view::npos ||
            number.find('.') != number.rfind('.'))
            return {};
        long double value = 0, scale = 1;
        bool fraction = false;
        for (const char c : number) {
            if (c == '.')
                fraction = true;
            else
                value = value * 10 + (c - '0'), scale *= fraction ? 10 : 1;
        }
        total += value / scale * static_cast<long double>(*unit);
        text.remove_prefix(unit_end);
    }
    constexpr long double longest = 9.2e18L;
    if (total > longest) return {};
    const auto count = static_cast<std::int64_t>(total);
    return base::Duration(negative ? -count : count);
}

std::optional<std::string> canonical_time(std::string_view text) {
    const auto time = base::parse_rfc3339(text);
    return time ? std::optional(base::rfc3339(*time)) : std::nullopt;
}

std::optional<std::string> canonical_micro_time(std::string_view text) {
    constexpr std::size_t point = 19, after = 26;  // 2026-11-21T12:00:00.000000Z
    const auto time = base::parse_rfc3339(text);
    if (!time || text.size() <= after || text[point] != '.') return {};
    if (text.substr(point + 1, 6).find_first_not_of("0123456789") != std::string_view::npos) return {};
    if (text[after] >= '0' && text[after] <= '9') return {};
    return base::rfc3339_micro(*time);
}

std::string base64(std::string_view bytes) {
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t group = 0;
        const auto n = std::min<std::size_t>(3, bytes.size() - i);
        for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < n ? static_cast<unsigned char>(bytes[i + k]) : 0);
        for (std::size_t k = 0; k < 4; ++k) out += k <= n ? alphabet[group >> (18 - 6 * k) & 63] : '=';
    }
    return out;
}

std::optional<std::string> parse_base64(std::string_view text) {
    std::string unbroken;
    if (text.find_first_of("\r\n") != std::string_view::npos) {
        for (const char c : text)
            if (c != '\r' && c != '\n') unbroken += c;
        text = unbroken;
    }
    if (text.size() % 4 != 0) return {};
    for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
    std::string out;
    out.reserve(text.size() / 4 * 3 + 2);
    std::uint32_t bits = 0;
    int have = 0;
    for (const char c : text) {
        const int value = sextets[static_cast<unsigned char>(c)];
        if (value < 0) return {};
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        have += 6;
        if (have < 8) continue;
        have -= 8;
        out += static_cast<char>(bits >> have & 255);
    }
    return out;
}

bool is_canonical_base64(std::string_view text) {
    if (text.size() % 4 != 0) return false;
    auto body = text;
    for (int i = 0; i < 2 && body.ends_with('='); ++i) body.remove_suffix(1);
    for (const char c : body)
        if (sextets[static_cast<unsigned char>(c)] < 0) return false;
    const auto loose = text.size() - body.size();  // bits below the last byte must be zero
    if (loose == 0) return true;
    const int last = sextets[static_cast<unsigned char>(body.back())];
    return (last & (loose == 1 ? 3 : 15)) == 0;
}

bool is_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        if (lead < 0x80) {
            ++i;
            continue;
        }
        const std::size_t more = lead >= 0xf0 && lead <= 0xf4  ? 3
                                 : lead >= 0xe0 && lead < 0xf0 ? 2
                                 : lead >= 0xc2 && lead < 0xe0 ? 1
                                                               : 0;
        if (more == 0 || i + more >= text.size()) return false;
        for (std::size_t k = 1; k <= more; ++k)
            if ((static_cast<unsigned char>(text[i + k]) & 0xc0) != 0x80) return false;
        const auto next = static_cast<unsigned char>(text[i + 1]);
        if ((lead == 0xe0 && next < 0xa0) || (lead == 0xed && next > 0x9f) || (lead == 0xf0 && next < 0x90) ||
            (lead == 0xf4 && next > 0x8f))
            return false;
        i += more + 1;
    }
    return true;
}

}  // namespace object
