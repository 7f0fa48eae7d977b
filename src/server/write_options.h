// fieldManager, fieldValidation, dryRun and force of a write, checked; and DELETE's options from body or query.
#pragma once

#include "base/result.h"
#include "server/call.h"

namespace server {

/// `options_kind` names the options in errors: CreateOptions, UpdateOptions, PatchOptions.
base::Result<verbs::WriteOptions> parse_write_options(const Call& call, std::string_view options_kind);
base::Result<verbs::DeleteOptions> parse_delete_options(const Call& call);
/// DeleteOptions as they stand in a body (also within an Eviction).
base::Result<verbs::DeleteOptions> delete_options_of(object::Ref body);

}  // namespace server
