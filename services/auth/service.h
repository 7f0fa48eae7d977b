// What the service is: its settings and how it is put together.
#pragma once

#include "kit/app.h"

namespace auth {

using Milliseconds = std::chrono::milliseconds;

struct Settings {
    kit::Setting<kit::DatabaseUrl> database{
        "database-url", "Where accounts are kept: sqlite:PATH or postgres://user:password@host:port/name.",
        "sqlite:auth.db"};
    kit::Setting<kit::RedisUrl> redis{"redis-url", "Where limits are counted for all replicas, and events go.", ""};
    kit::Setting<std::string> notifications{"notifications-url", "Who is told of events where there is no Redis.", ""};
    kit::Setting<kit::Secret> service_token{"service-token", "What services show each other; 32 characters at least.",
                                            ""};
    kit::Setting<std::string> admin_email{"admin-email", "The first admin, made when there is no such account.", ""};
    kit::Setting<kit::Secret> admin_password{"admin-password", "The first admin's password.", ""};
    kit::Setting<kit::Secret> key_secret{"key-secret", "Encrypts the signing keys in the database.", ""};
    kit::Setting<std::string> dealer_signup{
        "dealer-signup", "Who signs up as a dealer is one: ask (once an admin says so) or open (at once).", "ask"};
    kit::Setting<std::string> public_path{"public-path",
                                          "Where browsers see this service, unless X-Forwarded-Prefix says it.", "/"};
    kit::Setting<bool> trust_forwarded{
        "trust-forwarded", "Whether X-Forwarded-For is a proxy's word, so that limits count its clients.", "false"};
    kit::Setting<Milliseconds> access_ttl{"access-ttl", "How long an access token is good.", "15m"};
    kit::Setting<Milliseconds> refresh_ttl{"refresh-ttl", "How long a refresh token waits to be used.", "336h"};
    kit::Setting<Milliseconds> session_ttl{"session-ttl", "How long a log-in lasts, however often it is refreshed.",
                                           "2160h"};
    kit::Setting<Milliseconds> refresh_grace{
        "refresh-grace", "How long a used refresh token gets another pair: two tabs of a browser.", "10s"};
    kit::Setting<std::int64_t> lock_after{"lock-after", "Wrong passwords in a row that lock an account.", "10"};
    kit::Setting<Milliseconds> lock_for{"lock-for", "How long it is locked.", "15m"};
    kit::Setting<std::int64_t> login_rate{"login-rate", "Log-ins of one name in 15 minutes.", "30"};
    kit::Setting<std::int64_t> address_rate{"address-rate", "Log-ins from one address in 15 minutes.", "300"};
    kit::Setting<std::int64_t> signup_rate{"signup-rate", "Sign-ups from one address in an hour.", "60"};
    kit::Setting<std::int64_t> password_memory{"password-memory-kib", "Memory for hashing a password.", "19456"};
    kit::Setting<std::int64_t> password_passes{"password-passes", "Passes over that memory.", "2"};
    kit::Setting<Milliseconds> key_rotate_every{"key-rotate-every", "How long one key signs.", "720h"};
    kit::Setting<Milliseconds> key_lead{"key-lead", "How long a new key is shown before it signs.", "1m"};
    kit::Setting<Milliseconds> key_look_every{"key-look-every", "How often replicas look for new keys.", "10s"};
};

void assemble(kit::App& app, const Settings& settings);

}  // namespace auth
