// What every handler may use. Handlers are free functions over this and a Call; state lives here alone.
#pragma once

#include <memory>

#include "server/authz.h"
#include "server/discovery.h"
#include "server/openapi.h"
#include "server/ports.h"
#include "server/server.h"
#include "server/tokens.h"
#include "server/watch.h"

namespace server {

struct Core {
    Settings settings;
    run::Loop& loop;
    verbs::Api& api;
    Ports ports;
    base::Rng rng;
    Tokens tokens;
    Rbac rbac;
    Discovery discovery;
    OpenApi openapi;
    Watches watches;

    Core(Settings settings_, run::Loop& loop_, verbs::Api& api_, base::Rng rng_, Ports ports_);
    store::Store& store() { return api.store(); }
};

}  // namespace server
