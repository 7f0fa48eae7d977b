// What the service is: its settings and how it is put together.
#pragma once

#include "kit/app.h"

namespace payments {

struct Settings {
    kit::Setting<kit::DatabaseUrl> database{
        "database-url", "Where payments are kept: sqlite:PATH or postgres://user:password@host:port/name.",
        "sqlite:payments.db"};
    kit::Setting<kit::RedisUrl> redis{"redis-url", "Where events go: redis://[:password@]host:port, or empty.", ""};
    kit::Setting<std::string> jwks_url{"jwks-url", "Where the keys of access tokens are.",
                                       "http://127.0.0.1:8082/.well-known/jwks.json"};
    kit::Setting<kit::Secret> service_token{"service-token", "What services show each other.", ""};
    kit::Setting<std::string> orders{"orders-url", "The orders service, which hears of payments that were pending.",
                                     ""};
    kit::Setting<kit::Secret> webhook_secret{"webhook-secret", "What webhooks are signed with.", ""};
    kit::Setting<std::string> notifications{"notifications-url", "Where events go when there is no Redis.", ""};
    kit::Setting<std::string> open_demo{"open-demo", "Whether anybody may POST /pay: on, off, or auto (on SQLite).",
                                        "auto"};
    kit::Setting<std::chrono::milliseconds> sandbox_delay{
        "sandbox-delay", "How long the sandbox gateway takes with cards that are decided later.", "3s"};
    kit::Setting<std::chrono::milliseconds> gateway_timeout{"gateway-timeout", "How long the gateway is waited for.",
                                                            "2s"};
    kit::Setting<std::chrono::milliseconds> lease{
        "lease", "After how long a step that somebody began and left is taken up by another.", "15s"};
    kit::Setting<std::string> crash_at{"slipway-crash-at", "For tests: SITE:N dies at the Nth passage of a fault site.",
                                       ""};
};

void assemble(kit::App& app, const Settings& settings);

}  // namespace payments
