// Ports of the host that pods ask for. Pure.
#pragma once

#include "object/json.h"

namespace control {

/// Whether both want the same port of the host: of one protocol, on the same or on every address.
bool ports_collide(object::Ref pod, object::Ref other);

}  // namespace control
