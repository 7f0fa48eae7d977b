// The patches that need no memory of who owns what: RFC 6902 (with upstream's leniences), RFC 7386, strategic merge.
#pragma once

#include "base/result.h"
#include "object/json.h"
#include "object/schema.h"

namespace object {

/// Code::bad_request when the patch cannot be read, Code::invalid (empty details) when an operation fails,
/// Code::too_large above 10,000 operations.
base::Result<json::value> json_patch(json::value document, const json::value& patch);
json::value merge_patch(json::value document, const json::value& patch);
/// With $patch, $setElementOrder, $retainKeys, $deleteFromPrimitiveList; directives are never in the result.
base::Result<json::object> strategic_merge(const Message& message, json::object live, const json::object& patch);

}  // namespace object
