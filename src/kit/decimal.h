// Exact decimals for money: whole numbers of hundredths, never a binary fraction.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kit {

class Decimal {
 public:
    static constexpr int digits_after_point = 2;
    /// Sums of what is allowed stay far from the end of 64 bits.
    static constexpr std::int64_t hundredths_max = 99'999'999'999'999;

    constexpr Decimal() = default;
    static constexpr Decimal of_hundredths(std::int64_t hundredths) { return Decimal(hundredths); }
    /// "1234", "1234.5", "-0.05": at most two digits after the point, or zeros beyond; nothing otherwise.
    static std::optional<Decimal> parse(std::string_view text);
    /// The decimal that prints as this number does ("0.1" for 0.1); nothing when that needs more than two digits.
    static std::optional<Decimal> from_double(double number);

    constexpr std::int64_t hundredths() const { return hundredths_; }
    /// Always with two digits: "1234.50".
    std::string text() const;

    constexpr auto operator<=>(const Decimal&) const = default;
    constexpr Decimal operator+(Decimal other) const { return Decimal(hundredths_ + other.hundredths_); }
    constexpr Decimal operator-(Decimal other) const { return Decimal(hundredths_ - other.hundredths_); }
    constexpr Decimal operator-() const { return Decimal(-hundredths_); }
    constexpr Decimal operator*(std::int64_t times) const { return Decimal(hundredths_ * times); }

 private:
    explicit constexpr Decimal(std::int64_t hundredths) : hundredths_(hundredths) {}
    std::int64_t hundredths_ = 0;
};

}  // namespace kit
