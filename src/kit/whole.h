// A whole number that is all of a text: no sign but '-', no spaces, nothing behind it.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace kit {

inline std::optional<std::int64_t> whole(std::string_view text) {
    std::int64_t number = 0;
    const auto* last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, number);
    if (error != std::errc{} || end != last) return std::nullopt;
    return number;
}

}  // namespace kit
