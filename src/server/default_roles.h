// The cluster roles and bindings that every cluster begins with: cluster-admin, admin, edit, view and the rights that
// everybody has. Made when they are missing; what a user has changed stays.
#pragma once

#include "base/result.h"
#include "verbs/api.h"

namespace server {

/// Called once at start.
base::Result<void> ensure_default_roles(verbs::Api& api);

}  // namespace server
