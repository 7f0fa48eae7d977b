// What a document may be: a JSON object of bounded size and depth that every store keeps as it is.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace documents {

inline constexpr std::size_t bytes_max = 64 * 1024;
inline constexpr std::size_t depth_max = 20;

/// The document, written anew. 400: no JSON object; 413: too large; 422: what cannot be kept, by its path.
base::Result<std::string> checked_body(std::string_view body);

}  // namespace documents
