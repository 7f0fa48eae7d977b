// An object of a kind with nothing set: what upstream's typed encoding still writes of it. Bookmarks are such objects.
#pragma once

#include "object/json.h"
#include "object/schema.h"

namespace server {

/// A struct that clients must set although it is a pointer (a selector): written even when it is null.
bool demanded_pointer(const object::Field& field);
object::json::object zero_object(const object::Message& message);

}  // namespace server
