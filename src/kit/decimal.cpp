#include "kit/decimal.h"

#include <charconv>
#include <cmath>

namespace kit {

std::optional<Decimal> Decimal::parse(std::string_view text) {
    const bool negative = text.starts_with('-');
    if (negative) text.remove_prefix(1);
    const auto point = text.find('.');
    const auto whole = text.substr(0, point);
    auto fraction = point == std::string_view::npos ? std::string_view("0") : text.substr(point + 1);
    if (whole.empty() || fraction.empty()) return std::nullopt;
    std::int64_t hundredths = 0;
    const auto take = [&](char c) {
        if (c < '0' || c > '9' || hundredths > hundredths_max) return false;
        hundredths = hundredths * 10 + (c - '0');
        return true;
    };
    for (const char c : whole) {
        if (!take(c)) return std::nullopt;
    }
    for (int digit = 0; digit < digits_after_point; ++digit) {
        if (!take(fraction.empty() ? '0' : fraction.front())) return std::nullopt;
        if (!fraction.empty()) fraction.remove_prefix(1);
    }
    if (fraction.find_first_not_of('0') != std::string_view::npos || hundredths > hundredths_max) return std::nullopt;
    return Decimal(negative ? -hundredths : hundredths);
}

std::optional<Decimal> Decimal::from_double(double number) {
    if (!std::isfinite(number) || std::abs(number) > static_cast<double>(hundredths_max) / 100) return std::nullopt;
    char digits[400];
    const auto end = std::to_chars(digits, digits + sizeof digits, number, std::chars_format::fixed);
    return parse({digits, end.ptr});
}

std::string Decimal::text() const {
    const auto size = static_cast<std::uint64_t>(hundredths_ < 0 ? -hundredths_ : hundredths_);
    std::string out = hundredths_ < 0 ? "-" : "";
    out += std::to_string(size / 100);
    out += '.';
    out += static_cast<char>('0' + size / 10 % 10);
    out += static_cast<char>('0' + size % 10);
    return out;
}

}  // namespace kit
