// Who asks: by client certificate, bearer token or not at all; and whom they ask to be taken for.
#pragma once

#include "base/result.h"
#include "server/call.h"

namespace server {

struct Core;

/// Without credentials: system:anonymous. With a bearer token that does not hold: Code::unauthorized.
base::Result<User> authenticate(Core& core, const http::Request& request);
/// The account behind one of our tokens, valid for `audience`; Code::unauthorized when it does not hold.
base::Result<User> token_user(Core& core, std::string_view token, const std::vector<std::string>& audiences,
                              std::vector<std::string>* met_audiences = nullptr);
/// The user named by Impersonate-* headers, or `user` itself when there are none; Code::forbidden when `user` may not.
base::Result<User> impersonate(Core& core, const http::Request& request, User user);

}  // namespace server
