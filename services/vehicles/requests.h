// What requests say, read and checked: ids, lists' wishes, who asks, entity tags.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kit/web/call.h"
#include "vehicles/stock.h"
#include "vehicles/wish.h"

namespace vehicles {

/// Whether changes need a dealer or an admin, or are open to anybody as far as no dealer owns the vehicle.
enum class Rights : std::uint8_t { open, by_role };

/// The wish in a list's query, or what is wrong with it.
base::Result<Wish> wish_of(const kit::Call& call);
/// The id in the path; not_found when it is no number.
base::Result<std::int64_t> id_of(const kit::Call& call);
/// Who asks, on a route that let only those in who may.
Actor actor_of(const kit::Call& call);
/// 415 unless the body is JSON.
base::Result<void> must_be_json(const kit::Call& call);

}  // namespace vehicles
