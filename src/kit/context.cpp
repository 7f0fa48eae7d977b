#include "kit/context.h"

#include <algorithm>

namespace kit {
namespace {

constexpr std::size_t header_length = 55;  // 00-{32}-{16}-{2}

bool is_hex(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_id(std::string_view text) { return is_hex(text) && text.find_first_not_of('0') != std::string_view::npos; }

std::string random_hex(base::Rng& rng, std::size_t digits) {
    static constexpr char alphabet[] = "0123456789abcdef";
    std::string text(digits, '0');
    std::uint64_t bits = 0;
    for (std::size_t at = 0; at < digits; ++at, bits >>= 4) {
        if (at % 16 == 0) bits = rng.next();
        text[at] = alphabet[bits & 15];
    }
    if (!is_id(text)) text.back() = '1';  // all zeros means "none"
    return text;
}

/// A later version may have more fields behind the four; of version 00 there is nothing more.
bool well_formed(std::string_view header) {
    if (header.size() < header_length) return false;
    const auto version = header.substr(0, 2);
    if (!is_hex(version) || version == "ff") return false;
    if (header.size() > header_length && (version == "00" || header[header_length] != '-')) return false;
    return header[2] == '-' && header[35] == '-' && header[52] == '-' && is_id(header.substr(3, 32)) &&
           is_id(header.substr(36, 16)) && is_hex(header.substr(53, 2));
}

}  // namespace

Trace Trace::of(std::string_view traceparent, base::Rng& rng) {
    Trace trace;
    if (well_formed(traceparent)) {
        trace.id = traceparent.substr(3, 32);
        trace.parent = traceparent.substr(36, 16);
        const char flags = traceparent[54];
        trace.sampled = ((flags >= 'a' ? flags - 'a' + 10 : flags - '0') & 1) != 0;
    } else {
        trace.id = random_hex(rng, 32);
    }
    trace.span = random_hex(rng, 16);
    return trace;
}

std::string Trace::traceparent() const {
    std::string text = "00-";
    text += id;
    text += '-';
    text += span;
    text += sampled ? "-01" : "-00";
    return text;
}

run::Duration Context::left(run::Time now, run::Duration most) const {
    if (over(now)) return run::Duration::zero();
    return deadline_ ? std::min<run::Duration>(*deadline_ - now, most) : most;
}

}  // namespace kit
