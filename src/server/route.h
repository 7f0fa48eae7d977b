// Which handler answers which request: tables of values, read top down.
#pragma once

#include "server/core.h"

namespace server {

/// Answers a call that is authenticated and authorized.
void dispatch(Core& core, Call call);

}  // namespace server
