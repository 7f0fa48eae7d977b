#include "server/server.h"

#include <fmt/format.h>

#include "server/account_token.h"
#include "server/answer.h"
#include "server/authn.h"
#include "server/core.h"
#include "server/place.h"
#include "server/route.h"
#include "server/status.h"

namespace server {

namespace {

Tokens tokens_of(const Settings& settings) {
    auto tokens = Tokens::create(settings.token_key_pem);
    base::check(tokens.has_value(), "the key for service account tokens cannot be read");
    return std::move(*tokens);
}

}  // namespace

Core::Core(Settings settings_, run::Loop& loop_, verbs::Api& api_, base::Rng rng_, Ports ports_)
    : settings(std::move(settings_)),
      loop(loop_),
      api(api_),
      ports(std::move(ports_)),
      rng(rng_),
      tokens(tokens_of(settings)),
      rbac(api.store()),
      openapi(discovery),
      watches(*this) {}

struct ApiServer::State {
    Core core;

    void serve(http::Request request, http::Reply reply) {
        auto place = parse_place(request.path);
        Query query(http::parse_query(request.query));
        Call call{.request = std::move(request),
                  .reply = std::move(reply),
                  .query = std::move(query),
                  .place = place ? std::move(*place) : Place{},
                  .user = {},
                  .accepted = {},
                  .warnings = {}};
        auto user = authenticate(core, call.request);
        if (user) user = impersonate(core, call.request, std::move(*user));
        if (!user) return send_error(std::move(call), user.error());
        call.user = std::move(*user);
        if (!call.user.in("system:masters")) {
            const auto deed = deed_of(call);
            if (!core.rbac.allows(call.user, deed)) return send_error(std::move(call), forbidden(call.user, deed));
        }
        dispatch(core, std::move(call));
    }
};

ApiServer::ApiServer(Settings settings, run::Loop& loop, verbs::Api& api, base::Rng rng, Ports ports)
    : state_(new State{Core(std::move(settings), loop, api, rng, std::move(ports))}) {}

ApiServer::~ApiServer() = default;

http::Handler ApiServer::handler() {
    return [state = state_.get()](http::Request request, http::Reply reply) {
        state->serve(std::move(request), std::move(reply));
    };
}

base::Result<std::string> ApiServer::issue_token(const object::Object& account, const object::Object* pod,
                                                 std::vector<std::string> audiences, run::Duration lifetime) {
    TokenWish wish{.audiences = std::move(audiences),
                   .lifetime_s = std::chrono::duration_cast<std::chrono::seconds>(lifetime).count(),
                   .bound_kind = pod ? "Pod" : "",
                   .bound = nullptr};
    if (pod) wish.bound = std::make_shared<const object::Object>(pod->value());
    return make_token(state_->core, account, wish);
}

void ApiServer::end_watches() { state_->core.watches.close_all(); }

namespace {

base::Error refused(int status, std::string_view message) {
    switch (status) {
        case 408:
            return {base::Code::timeout, std::string(message)};
        case 413:
            return {base::Code::too_large, std::string(message)};
        default:
            return {base::Code::bad_request, std::string(message)};
    }
}

}  // namespace

http::Response refusal(int status, std::string_view message) {
    auto body = status_of(refused(status, message));
    body["code"] = status;
    http::Headers headers;
    headers.add("Content-Type", "application/json");
    return {status, std::move(headers), std::make_shared<const std::string>(json::serialize(body))};
}

}  // namespace server
