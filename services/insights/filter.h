// Which figures are wanted: of which brand, of which days.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "run/loop.h"

namespace insights {

/// Days are counted from 1970-01-01, UTC; both are included.
struct Filter {
    std::string brand;  ///< "": all
    std::int64_t from_day = 0;
    std::int64_t to_day = 0;
    auto operator<=>(const Filter&) const = default;
};

struct FilterWords {
    std::string brand, from, to;
};

/// The last 30 days where days are left open; 422 names what is wrong.
base::Result<Filter> filter_of(const FilterWords& words, run::Time now);
/// The same from `{"brand","from","to"}`, as a page sends it.
base::Result<Filter> filter_of_json(std::string_view text, run::Time now);
/// "2026-01-31".
std::string day_text(std::int64_t day);

}  // namespace insights
