// Parsing and canonical text of quantities, by the rules of k8s.io/apimachinery's resource.Quantity.
#include "base/quantity.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

namespace base {
namespace {

using Wide = __int128;

constexpr int nano_digits = 9;
constexpr Wide nano_max = Wide(std::numeric_limits<std::int64_t>::max()) * 1'000'000'000;

struct Suffix {
    Quantity::Format format = Quantity::Format::decimal;
    int exponent = 0;  ///< of 10, or of 2 for binary
};

constexpr std::array<std::pair<std::string_view, int>, 10> decimal_suffixes = {
    {{"n", -9}, {"u", -6}, {"m", -3}, {"", 0}, {"k", 3}, {"M", 6}, {"G", 9}, {"T", 12}, {"P", 15}, {"E", 18}}};
constexpr std::array<std::pair<std::string_view, int>, 6> binary_suffixes = {
    {{"Ki", 10}, {"Mi", 20}, {"Gi", 30}, {"Ti", 40}, {"Pi", 50}, {"Ei", 60}}};

std::optional<Suffix> read_suffix(std::string_view text) {
    for (const auto& [name, exponent] : decimal_suffixes)
        if (name == text) return Suffix{Quantity::Format::decimal, exponent};
    for (const auto& [name, exponent] : binary_suffixes)
        if (name == text) return Suffix{Quantity::Format::binary, exponent};
    if (text[0] != 'e' && text[0] != 'E') return {};
    text.remove_prefix(1);
    if (text.starts_with('+')) text.remove_prefix(1);
    Suffix out{.format = Quantity::Format::exponent};
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out.exponent);
    if (problem != std::errc() || end != text.data() + text.size()) return {};
    return out;
}

/// A decimal number while it is scaled: digits * 10^-scale, and whether something was lost below.
struct Amount {
    Wide value = 0;
    bool rest = false;
};

/// `value` times `factor`, held at the largest amount once it is past it.
Wide times(Wide value, Wide factor) { return value > nano_max / factor ? nano_max : value * factor; }

/// Appends a digit at place 10^`exponent` of a unit, counting in nanos.
void add_digit(Amount& amount, int digit, int exponent) {
    const int place = std::min(exponent + nano_digits, 30);  // past 10^28 any digit is the largest amount
    if (place < 0) {
        amount.rest = amount.rest || digit != 0;
        return;
    }
    Wide worth = digit;
    for (int i = 0; i < place && worth != 0; ++i) worth = times(worth, 10);
    amount.value = std::min(amount.value + worth, nano_max);
}

/// Digits with their point at `point`, times 10^exponent, in nanos.
Amount decimal(std::string_view digits, int point, int exponent) {
    Amount amount;
    constexpr int exponent_max = 1000;  // beyond it every digit is lost or the amount is at its bound
    exponent = std::clamp(exponent, -exponent_max, exponent_max);
    for (std::size_t i = 0; i < digits.size(); ++i)
        add_digit(amount, digits[i] - '0', point - 1 - static_cast<int>(i) + exponent);
    return amount;
}

/// The same times 2^exponent: exact down to 10^-38 of a unit, below which digits only round up.
Amount binary(std::string_view digits, int point, int exponent) {
    Amount whole;
    for (std::size_t i = 0; i < digits.size() && static_cast<int>(i) < point; ++i)
        add_digit(whole, digits[i] - '0', point - 1 - static_cast<int>(i));
    whole.value = times(whole.value, Wide(1) << exponent);
    // the fraction is below 1: numerator over 10^places, 17 places keep numerator * 2^60 within 128 bits
    constexpr int places_max = 17;
    const auto fraction = digits.substr(static_cast<std::size_t>(point));
    Wide numerator = 0, denominator = 1;
    for (std::size_t i = 0; i < fraction.size(); ++i) {
        if (i >= places_max) {
            whole.rest = whole.rest || fraction[i] != '0';
            continue;
        }
        numerator = numerator * 10 + (fraction[i] - '0');
        denominator *= 10;
    }
    const Wide scaled = numerator << exponent;
    const Wide units = scaled / denominator;
    Wide left = scaled % denominator;
    Wide nanos = times(units, 1'000'000'000);
    left *= 1'000'000'000;
    nanos = std::min(nanos + left / denominator, nano_max);
    whole.rest = whole.rest || left % denominator != 0;
    whole.value = std::min(whole.value + nanos, nano_max);
    return whole;
}

struct Written {
    bool negative = false;
    std::string digits;
    int point = 0;  ///< how many of the digits stand before the point
    std::string_view suffix;
};

Result<Written> read_number(std::string_view text) {
    const auto wrong = [] {
        return fail(Code::bad_request,
                    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
    };
    Written out;
    std::size_t at = 0;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) out.negative = text[at++] == '-';
    bool seen_point = false;
    for (; at < text.size(); ++at) {
        if (text[at] == '.' && !seen_point)
            seen_point = true;
        else if (text[at] >= '0' && text[at] <= '9') {
            out.digits += text[at];
            if (!seen_point) ++out.point;
        } else
            break;
    }
    if (out.digits.empty()) return wrong();
    out.suffix = text.substr(at);
    if (out.suffix.find_first_not_of("eEinumkKMGTP+-0123456789") != std::string_view::npos) return wrong();
    return out;
}

std::string number_text(Wide value) {
    const bool negative = value < 0;
    if (negative) value = -value;
    std::string out;
    do out.insert(out.begin(), static_cast<char>('0' + static_cast<int>(value % 10)));
    while ((value /= 10) != 0);
    if (negative) out.insert(out.begin(), '-');
    return out;
}

/// nano * 10^-9 as mantissa and the largest exponent that is a multiple of three.
std::string decimal_text(Wide nano, Quantity::Format format) {
    int exponent = -nano_digits;
    while (nano != 0 && nano % 1000 == 0 && (exponent < 18 || format == Quantity::Format::exponent)) {
        nano /= 1000;
        exponent += 3;
    }
    if (nano == 0) exponent = 0;
    auto out = number_text(nano);
    if (format == Quantity::Format::exponent) {
        if (exponent != 0) (out += 'e') += std::to_string(exponent);
        return out;
    }
    return out.append(decimal_suffixes[static_cast<std::size_t>(exponent / 3 + 3)].first);
}

}  // namespace

Quantity::Wide Quantity::bounded(Wide nano) { return std::clamp(nano, -nano_max, nano_max); }

Result<Quantity> Quantity::parse(std::string_view text) {
    const auto written = TRY(read_number(text));
    const auto suffix = read_suffix(written.suffix);
    if (!suffix) return fail(Code::bad_request, "unable to parse quantity's suffix");
    const auto amount = suffix->format == Format::binary ? binary(written.digits, written.point, suffix->exponent)
                                                         : decimal(written.digits, written.point, suffix->exponent);
    Quantity out;
    out.nano_ = bounded(amount.value + (amount.rest ? 1 : 0));
    if (written.negative) out.nano_ = -out.nano_;
    out.format_ = suffix->format;
    return out;
}

Quantity Quantity::of(std::int64_t whole, Format format) {
    Quantity out;
    out.nano_ = bounded(Wide(whole) * nano_per_unit);
    out.format_ = format;
    return out;
}

Quantity Quantity::of_milli(std::int64_t milli, Format format) {
    Quantity out;
    out.nano_ = Wide(milli) * nano_per_milli;
    out.format_ = format;
    return out;
}

std::int64_t Quantity::rounded_to(std::int64_t nanos) const {
    Wide whole = nano_ / nanos;
    if (nano_ % nanos != 0) whole += nano_ < 0 ? -1 : 1;
    constexpr Wide low = std::numeric_limits<std::int64_t>::min(), high = std::numeric_limits<std::int64_t>::max();
    return static_cast<std::int64_t>(std::clamp(whole, low, high));
}

std::string Quantity::text() const {
    const Wide unit = nano_per_unit;
    const bool small = nano_ > -1024 * unit && nano_ < 1024 * unit;
    if (format_ != Format::binary) return decimal_text(nano_, format_);
    if (small || !is_whole()) return decimal_text(nano_, Format::decimal);
    Wide whole = nano_ / unit;
    std::string_view suffix;
    for (const auto& entry : binary_suffixes) {
        if (whole % 1024 != 0) break;
        whole /= 1024;
        suffix = entry.first;
    }
    return number_text(whole).append(suffix);
}

Quantity Quantity::rounded_up_to_milli() const {
    Quantity out = *this;
    const Wide rest = nano_ % nano_per_milli;
    if (rest != 0) out.nano_ = bounded(nano_ - rest + (nano_ < 0 ? -nano_per_milli : nano_per_milli));
    return out;
}

Quantity& Quantity::operator+=(const Quantity& other) {
    if (is_zero()) format_ = other.format_;
    nano_ = bounded(nano_ + other.nano_);
    return *this;
}

Quantity& Quantity::operator-=(const Quantity& other) {
    if (is_zero()) format_ = other.format_;
    nano_ = bounded(nano_ - other.nano_);
    return *this;
}

std::strong_ordering Quantity::operator<=>(const Quantity& other) const {
    return nano_ < other.nano_   ? std::strong_ordering::less
           : nano_ > other.nano_ ? std::strong_ordering::greater
                                 : std::strong_ordering::equal;
}

Result<std::string> canonical_quantity(std::string_view text) {
    auto out = TRY(Quantity::parse(text)).text();
    if (text.starts_with('+') && text.substr(1) == out) return std::string(text);
    return out;
}

}  // namespace base
