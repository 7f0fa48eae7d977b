// The errors that a verb gives, in upstream's words and with upstream's details: `kind` is the resource for NotFound,
// AlreadyExists, Conflict and Forbidden, but the Kind for Invalid.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "object/schema.h"

namespace verbs {

using base::Error;

Error not_found(const object::Kind& kind, std::string_view name);
Error already_exists(const object::Kind& kind, std::string_view name);
/// The object was changed since it was read.
Error conflict(const object::Kind& kind, std::string_view name);
/// A precondition (uid or revision) of `kind` did not hold: `what` says which.
Error failed_precondition(const object::Kind& kind, std::string_view name, std::string_view what);
Error forbidden(const object::Kind& kind, std::string_view name, std::string_view why,
                std::vector<base::Cause> causes = {});
Error invalid(const object::Kind& kind, std::string_view name, std::vector<base::Cause> causes);
/// A patch whose result cannot be read: one cause with field `patch`.
Error invalid_patch(const object::Kind& kind, std::string_view name, std::string_view why);

}  // namespace verbs
