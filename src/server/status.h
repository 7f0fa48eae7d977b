// What is said when something went wrong, and when it went well: the one place where an Error becomes an API Status.
#pragma once

#include "base/result.h"
#include "object/json.h"

namespace server {

namespace json = object::json;

int http_code(base::Code code);
json::object status_of(const base::Error& error);
/// {kind: Status, status: Success} with details when given, and the code when it is not 0.
json::object success(const base::Details* details, int code);

/// 404 with empty details: no such path under a known group.
base::Error unknown_resource();
/// 405 with empty details.
base::Error method_not_allowed();
/// 422 of request options, as upstream says it of ListOptions, PatchOptions, ...
base::Error invalid_options(std::string_view kind, std::vector<base::Cause> causes);
/// 504: a resourceVersion that is still to come.
base::Error too_large_version(std::int64_t wanted, std::int64_t current);

}  // namespace server
