// Amounts of resources as Kubernetes writes them: "250m", "1.5Gi", "1e3". Exact to a billionth, like upstream's; what
// is finer is rounded away from zero, what is larger than 2^63-1 is that.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace base {

class Quantity {
 public:
    enum class Format : std::uint8_t { decimal, binary, exponent };  ///< 1k; 1Ki; 1e3

    Quantity() = default;
    /// Code::bad_request with upstream's words when `text` is no quantity.
    static Result<Quantity> parse(std::string_view text);
    static Quantity of(std::int64_t whole, Format format = Format::decimal);
    static Quantity of_milli(std::int64_t milli, Format format = Format::decimal);

    /// Whole units (bytes, cores, pods), rounded away from zero, within int64.
    std::int64_t value() const { return rounded_to(nano_per_unit); }
    /// Thousandths, rounded away from zero, within int64.
    std::int64_t milli_value() const { return rounded_to(nano_per_milli); }
    int sign() const { return nano_ < 0 ? -1 : nano_ > 0 ? 1 : 0; }
    bool is_zero() const { return nano_ == 0; }
    /// Whether it is a whole number of units.
    bool is_whole() const { return nano_ % nano_per_unit == 0; }
    Format format() const { return format_; }

    /// The one form that upstream writes: no fraction, the largest suffix that keeps it exact.
    std::string text() const;
    /// The same amount with nothing finer than a thousandth, rounded away from zero.
    Quantity rounded_up_to_milli() const;

    Quantity& operator+=(const Quantity& other);
    Quantity& operator-=(const Quantity& other);
    friend Quantity operator+(Quantity a, const Quantity& b) { return a += b; }
    friend Quantity operator-(Quantity a, const Quantity& b) { return a -= b; }
    /// By amount: "1000m" equals "1".
    std::strong_ordering operator<=>(const Quantity& other) const;
    bool operator==(const Quantity& other) const { return nano_ == other.nano_; }

 private:
    using Wide = __int128;
    static constexpr std::int64_t nano_per_unit = 1'000'000'000;
    static constexpr std::int64_t nano_per_milli = 1'000'000;

    std::int64_t rounded_to(std::int64_t nanos) const;
    static Wide bounded(Wide nano);

    Wide nano_ = 0;
    Format format_ = Format::decimal;
};

/// The canonical text of a quantity's text; a leading plus stays as upstream keeps it.
Result<std::string> canonical_quantity(std::string_view text);

}  // namespace base
