#include "base/time.h"

#include <charconv>

namespace base {
namespace {

using namespace std::chrono;

/// With leading zeros. Without fmt, so that the smallest images need no library for a date.
void append_digits(std::string& out, long value, int width) {
    const auto start = out.size();
    out.resize(start + static_cast<std::size_t>(width), '0');
    for (auto at = out.size(); at > start && value > 0; value /= 10) out[--at] = static_cast<char>('0' + value % 10);
}

std::string to_second(Time t) {
    const auto day = floor<days>(t);
    const year_month_day date{day};
    const hh_mm_ss clock{floor<seconds>(t - day)};
    std::string text;
    append_digits(text, int(date.year()), 4);
    append_digits(text += '-', unsigned(date.month()), 2);
    append_digits(text += '-', unsigned(date.day()), 2);
    append_digits(text += 'T', clock.hours().count(), 2);
    append_digits(text += ':', clock.minutes().count(), 2);
    append_digits(text += ':', clock.seconds().count(), 2);
    return text;
}

long below_second(Time t) { return (t - floor<seconds>(t)).count(); }

std::string with_fraction(Time t, long fraction, int width) {
    auto text = to_second(t) + ".";
    append_digits(text, fraction, width);
    return text + "Z";
}

/// Reads exactly `digits` digits at the front of `text`; -1 when they are not there.
int take(std::string_view& text, int digits) {
    int value = 0;
    if (std::ssize(text) < digits) return -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + digits, value);
    if (error != std::errc{} || end != text.data() + digits || value < 0) return -1;
    text.remove_prefix(digits);
    return value;
}

bool take(std::string_view& text, char c) {
    if (text.empty() || (text.front() | 0x20) != (c | 0x20)) return false;
    text.remove_prefix(1);
    return true;
}

std::optional<Duration> take_fraction(std::string_view& text) {
    if (text.empty() || text.front() != '.') return Duration{0};
    text.remove_prefix(1);
    std::int64_t value = 0, scale = 1'000'000'000;
    std::size_t n = 0;
    for (; n < text.size() && text[n] >= '0' && text[n] <= '9'; ++n)
        if (scale > 1) value = value * 10 + (text[n] - '0'), scale /= 10;
    if (n == 0) return std::nullopt;
    text.remove_prefix(n);
    return Duration{value * scale};
}

std::optional<Duration> take_offset(std::string_view& text) {
    if (take(text, 'z')) return Duration{0};
    const bool minus = !text.empty() && text.front() == '-';
    if (text.empty() || (text.front() != '+' && !minus)) return std::nullopt;
    text.remove_prefix(1);
    const int h = take(text, 2);
    if (h < 0 || !take(text, ':')) return std::nullopt;
    const int m = take(text, 2);
    if (m < 0) return std::nullopt;
    const Duration offset = hours(h) + minutes(m);
    return minus ? -offset : offset;
}

}  // namespace

std::string rfc3339(Time t) { return to_second(t) + "Z"; }
std::string rfc3339_micro(Time t) { return with_fraction(t, below_second(t) / 1000, 6); }
std::string rfc3339_nano(Time t) { return with_fraction(t, below_second(t), 9); }

std::optional<Time> parse_rfc3339(std::string_view text) {
    const int y = take(text, 4);
    if (y < 0 || !take(text, '-')) return std::nullopt;
    const int mo = take(text, 2);
    if (mo < 0 || !take(text, '-')) return std::nullopt;
    const int d = take(text, 2);
    if (d < 0 || !take(text, 't')) return std::nullopt;
    const int h = take(text, 2);
    if (h < 0 || h > 23 || !take(text, ':')) return std::nullopt;
    const int mi = take(text, 2);
    if (mi < 0 || mi > 59 || !take(text, ':')) return std::nullopt;
    const int s = take(text, 2);
    if (s < 0 || s > 60) return std::nullopt;
    const auto fraction = take_fraction(text);
    if (!fraction) return std::nullopt;
    const auto offset = take_offset(text);
    if (!offset || !text.empty()) return std::nullopt;
    const year_month_day date{year(y), month(unsigned(mo)), day(unsigned(d))};
    if (!date.ok()) return std::nullopt;
    return Time{sys_days(date) + hours(h) + minutes(mi) + seconds(s) + *fraction - *offset};
}

}  // namespace base
