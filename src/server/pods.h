// What is done to pods beside changing them: binding to a node, eviction within the limits of disruption budgets.
#pragma once

#include "server/call.h"

namespace server {

struct Core;

/// POST pods/<name>/binding
void bind_pod(Core& core, Call call);
/// POST bindings: the pod is named by the body
void bind_by_name(Core& core, Call call);
void evict_pod(Core& core, Call call);

}  // namespace server
