// Entity tags of what has an id and a revision: "ID-REVISION" (RFC 9110, 8.8.3).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "kit/web/call.h"

namespace kit {

std::string entity_tag(std::string_view id, std::int64_t revision);
/// The revision that If-Match asks for: none when it is absent or "*"; an Error when it cannot match. `what`:
/// "vehicle".
base::Result<std::optional<std::int64_t>> revision_wanted(const Call& call, std::string_view id, std::string_view what);

}  // namespace kit
