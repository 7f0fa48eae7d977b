#include "hello/service.h"

#include <unistd.h>

#include "hello/api.h"

namespace hello {

static std::string host_name() {
    char name[256] = {};
    return ::gethostname(name, sizeof name - 1) == 0 ? name : "unknown";
}

void assemble(kit::App& app, const Settings& settings) {
    auto& database = app.database(*settings.database, migrations());
    auto* redis = app.redis(*settings.redis);
    if (redis) app.ready_when("redis", [redis] { return redis->away(); });
    auto& pairs = app.own<Pairs>(database);
    auto& visitors = app.own<Visitors>(database, redis);
    add_routes(app, pairs, visitors, host_name());
}

}  // namespace hello
