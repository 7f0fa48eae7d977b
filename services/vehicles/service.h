// What the service is: its settings and how it is put together.
#pragma once

#include "kit/app.h"

namespace vehicles {

struct Settings {
    kit::Setting<kit::DatabaseUrl> database{
        "database-url", "Where vehicles are kept: sqlite:PATH or postgres://user:password@host:port/name.",
        "sqlite:vehicles.db"};
    kit::Setting<bool> samples{"sample-data", "Whether a catalogue gets a few vehicles to begin with, once.", "false"};
    kit::Setting<kit::RedisUrl> redis{
        "redis-url", "A cache of what is read and the stream of events: redis://[:password@]host:port, or empty.", ""};
    kit::Setting<std::string> notifications{"notifications-url", "Where events go when there is no Redis.", ""};
    kit::Setting<std::string> jwks{
        "jwks-url",
        "Where the keys of logins are. With it, changes are for dealers (their own vehicles) and admins; without it, "
        "for anybody.",
        ""};
    kit::Setting<bool> open_writes{
        "open-writes", "Whether anybody may change vehicles that no dealer owns, also where logins are known.",
        "false"};
    kit::Setting<kit::Secret> service_token{
        "service-token", "What services show each other; without it no order can reserve a vehicle.", ""};
};

void assemble(kit::App& app, const Settings& settings);

}  // namespace vehicles
