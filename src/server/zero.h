// An object of a kind with nothing set: what upstream's typed encoding still writes of it. Bookmarks are such objects.
#pragma once

#include "object/json.h"
#include "object/schema.h"

namespace server {

object::json::object zero_object(const object::Message& message);

}  // namespace server
