// Paths under /api and /apis, taken apart: group, version, namespace, resource, name, subresource.
#pragma once

#include <optional>
#include <string_view>

#include "server/call.h"

namespace server {

/// Nothing when the path is no resource path: shorter than a resource, or not under /api or /apis, or with a broken
/// escape. Place::kind is null when no such resource is served.
std::optional<Place> parse_place(std::string_view path);

}  // namespace server
