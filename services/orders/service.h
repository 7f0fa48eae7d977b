// What the service is: its settings and how it is put together.
#pragma once

#include "kit/app.h"

namespace orders {

struct Settings {
    kit::Setting<kit::DatabaseUrl> database{
        "database-url", "Where orders are kept: sqlite:PATH or postgres://user:password@host:port/name.",
        "sqlite:orders.db"};
    kit::Setting<kit::RedisUrl> redis{"redis-url", "Where events go: redis://[:password@]host:port, or empty.", ""};
    kit::Setting<std::string> jwks_url{"jwks-url", "Where the keys of access tokens are.",
                                       "http://127.0.0.1:8082/.well-known/jwks.json"};
    kit::Setting<kit::Secret> service_token{"service-token", "What services show each other.", ""};
    kit::Setting<std::string> vehicles{"vehicles-url", "The catalogue, which keeps the stock.",
                                       "http://127.0.0.1:8081"};
    kit::Setting<std::string> payments{"payments-url", "The payments service.", "http://127.0.0.1:8084"};
    kit::Setting<std::string> notifications{"notifications-url", "Where events go when there is no Redis.", ""};
    kit::Setting<kit::Secret> webhook_secret{"webhook-secret", "What payments signs its webhooks with.", ""};
    kit::Setting<std::chrono::milliseconds> order_ttl{
        "order-ttl", "How long a vehicle is held for an order that is not paid.", "15m"};
    kit::Setting<std::chrono::milliseconds> lease{
        "lease", "After how long a step that somebody began and left is taken up by another.", "15s"};
    kit::Setting<std::string> open_demo{
        "open-demo",
        "Whether anybody may place and see orders of an item and a quantity: on, off, or auto (on SQLite).", "auto"};
    kit::Setting<std::string> crash_at{"slipway-crash-at", "For tests: SITE:N dies at the Nth passage of a fault site.",
                                       ""};
};

void assemble(kit::App& app, const Settings& settings);

}  // namespace orders
