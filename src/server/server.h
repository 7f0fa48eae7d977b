// The HTTP face of the Kubernetes API, as of v1.36: who asks, what may be asked, what is meant, and the answer's form.
// Behaviour of objects lives in verbs; nothing here changes the store but through it. An answer that shows a revision
// waits until that revision is durable.
#pragma once

#include <memory>
#include <string>

#include "base/rng.h"
#include "kit/http/server.h"
#include "run/loop.h"
#include "server/ports.h"
#include "verbs/api.h"

namespace server {

struct Settings {
    std::string admin_token;    ///< a bearer token that speaks for the administrator; empty: none
    std::string token_key_pem;  ///< private key (RSA or P-256) that signs service account tokens; empty: no such tokens
    std::string issuer = "https://kubernetes.default.svc.cluster.local";  ///< also the default audience
    std::string build_date = "2026-01-01T00:00:00Z";
    std::size_t watch_backlog_bytes_max = 16 * 1024 * 1024;  ///< a slower watcher is cut
    run::Duration bookmark_period = std::chrono::seconds(60);
    run::Duration watch_default = std::chrono::minutes(45);  ///< of watches that name no timeoutSeconds
};

class ApiServer {
 public:
    ApiServer(Settings settings, run::Loop& loop, verbs::Api& api, base::Rng rng, Ports ports = {});
    ~ApiServer();
    ApiServer(const ApiServer&) = delete;
    /// Valid as long as this server lives.
    kit::http::Handler handler();
    /// Signs a token for an account, as TokenRequest does: for pods' projected volumes. `pod` may be null.
    base::Result<std::string> issue_token(const object::Object& account, const object::Object* pod,
                                          std::vector<std::string> audiences, run::Duration lifetime);
    /// Ends every watch cleanly (a last bookmark, then the terminating chunk), for a drain; further watches end at
    /// once.
    void end_watches();

 private:
    struct State;
    std::unique_ptr<State> state_;
};

/// Refusals of the HTTP layer (413, 431, ...) in the API's form: for kit::http::ServerOptions::refusal.
kit::http::Response refusal(int status, std::string_view message);

}  // namespace server
