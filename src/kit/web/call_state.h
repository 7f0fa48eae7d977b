// What a Call and the Router know of one request together: for those two only.
#pragma once

#include <vector>

#include "kit/auth/identity.h"
#include "kit/web/call.h"
#include "kit/web/router.h"

namespace kit {

struct Call::State {
    Router& router;
    const Route* route;  ///< null: no route fits
    http::Request request;
    PathValues path;
    std::optional<http::Reply> reply;
    run::Time started;
    std::optional<Context> context;  ///< made when first asked for
    std::optional<auth::Identity> identity;
    std::vector<run::Callback> gone;
    bool watched = false;   ///< the reply tells of the client's going
    bool answered = false;  ///< by whoever held the Call, or when its time was over
    bool late = false;      ///< its time was over: the holder's answer is passed over
    std::optional<Router::Due::iterator> due;

    const Context& made_context();
    static void watch(const std::shared_ptr<State>& state);
    /// Counts and logs; the reply is the caller's to use.
    http::Reply take(int status);
};

}  // namespace kit
