// The scale subresource: how many replicas a workload wants and has, whatever its kind.
#pragma once

#include "server/core.h"

namespace server {

void get_scale(Core& core, Call call);
void update_scale(Core& core, Call call);
void patch_scale(Core& core, Call call);

}  // namespace server
