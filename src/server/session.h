// exec, attach, portforward and proxy: handed to the platform's Sessions once the object is known.
#pragma once

#include "server/call.h"

namespace server {

struct Core;

void serve_session(Core& core, Call call);

}  // namespace server
