// POST serviceaccounts/<name>/token: a signed token that speaks for the account.
#pragma once

#include "server/call.h"

namespace server {

struct Core;

void request_token(Core& core, Call call);

struct TokenWish {
    std::vector<std::string> audiences;  ///< empty: the server itself
    std::int64_t lifetime_s = 3600;
    std::string bound_kind;  ///< "Pod", "Secret" or ""
    object::ObjectPtr bound;
};
base::Result<std::string> make_token(Core& core, const object::Object& account, const TokenWish& wish);

}  // namespace server
