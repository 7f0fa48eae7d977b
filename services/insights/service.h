// What the service is: its settings and how it is put together. What the page and it say to each other is written down
// in web/insights/src/figures.ts.
#pragma once

#include "kit/app.h"

namespace insights {

struct Settings {
    kit::Setting<std::string> pages{"pages", "The folder of the built pages.", "build/web/insights"};
    kit::Setting<std::string> vehicles{"vehicles-url", "The vehicles service.", "http://127.0.0.1:8081"};
    kit::Setting<std::string> orders{"orders-url", "The orders service.", "http://127.0.0.1:8083"};
    kit::Setting<kit::Secret> service_token{"service-token", "What services show each other.", ""};
    kit::Setting<std::chrono::milliseconds> look_every{
        "look-every", "How old figures may be, and how often live pages are looked after.", "1s"};
    kit::Setting<std::int64_t> sessions_max{"sessions-max", "The most live pages at once.", "5000"};
};

void assemble(kit::App& app, const Settings& settings);

}  // namespace insights
