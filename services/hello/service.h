// What the service is: its settings and how it is put together.
#pragma once

#include "kit/app.h"

namespace hello {

struct Settings {
    kit::Setting<kit::DatabaseUrl> database{
        "database-url", "Where the pairs are kept: sqlite:PATH or postgres://user:password@host:port/name.",
        "sqlite:hello.db"};
    kit::Setting<kit::RedisUrl> redis{
        "redis-url", "Where visitors are counted: redis://[:password@]host:port; empty counts them in the database.",
        ""};
};

void assemble(kit::App& app, const Settings& settings);

}  // namespace hello
