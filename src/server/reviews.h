// Questions that are answered and not stored: who am I, whose token is this, who may do what.
#pragma once

#include "server/call.h"

namespace server {

struct Core;

void review_self(Core& core, Call call);
void review_token(Core& core, Call call);
void review_own_access(Core& core, Call call);
void review_access(Core& core, Call call);
void review_local_access(Core& core, Call call);
void review_own_rules(Core& core, Call call);

}  // namespace server
