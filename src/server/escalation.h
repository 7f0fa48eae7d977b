// Nobody gives away more than he has: who writes a role must hold its rules (or may `escalate`), who binds one must
// hold the role's rules (or may `bind` it).
#pragma once

#include "base/result.h"
#include "server/call.h"

namespace server {

struct Core;

/// Checked before a write of an RBAC object; `wanted` is what is to be stored. Code::forbidden, or Code::not_found when
/// a binding names a role that is not there.
base::Result<void> may_grant(Core& core, const Call& call, const json::object& wanted);

}  // namespace server
