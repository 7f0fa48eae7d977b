// The canonical text of scalars that have a form of their own: times, durations, base64.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace object {

/// Go's notation: "1h30m0s".
std::string duration_text(base::Duration d);
std::optional<base::Duration> parse_duration(std::string_view text);

/// metav1.Time and MicroTime; the latter wants its six decimals. Nothing when the text is none.
std::optional<std::string> canonical_time(std::string_view text);
std::optional<std::string> canonical_micro_time(std::string_view text);

std::string base64(std::string_view bytes);
/// Standard alphabet, padded; line breaks are skipped.
std::optional<std::string> parse_base64(std::string_view text);
/// Whether `text` is exactly what base64() writes for some bytes.
bool is_canonical_base64(std::string_view text);

bool is_utf8(std::string_view text);

}  // namespace object
