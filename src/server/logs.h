// GET pods/<name>/log: which container is meant, and the text as it comes.
#pragma once

#include "server/call.h"

namespace server {

struct Core;

void read_log(Core& core, Call call);

}  // namespace server
