// The tables that tools/kindgen makes from kinds/*.yaml at build time; registry.h is what others use.
#pragma once

#include <cstdint>
#include <span>

#include "object/schema.h"

namespace kinds::tables {

/// In discovery order.
std::span<const object::Kind> kinds();
/// Sorted by group and name.
std::span<const object::Message* const> messages_by_name();
/// Indexes into kinds(), sorted by group, version, plural.
std::span<const std::uint16_t> kinds_by_resource();
/// Indexes into kinds(), sorted by group, version, kind.
std::span<const std::uint16_t> kinds_by_kind();

}  // namespace kinds::tables
