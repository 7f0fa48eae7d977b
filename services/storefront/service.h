// What the service is: its settings and how it is put together.
#pragma once

#include "kit/app.h"

namespace storefront {

struct Settings {
    kit::Setting<std::string> pages{"pages", "The folder of the built pages.", "build/web/storefront"};
    kit::Setting<std::string> vehicles{"vehicles-url", "The vehicles service.", "http://127.0.0.1:8081"};
    kit::Setting<std::string> auth{"auth-url", "The auth service.", "http://127.0.0.1:8082"};
    kit::Setting<std::string> orders{"orders-url", "The orders service.", "http://127.0.0.1:8083"};
    kit::Setting<std::string> payments{"payments-url", "The payments service.", "http://127.0.0.1:8084"};
    kit::Setting<std::string> notifications{"notifications-url", "The notifications service.", "http://127.0.0.1:8085"};
    kit::Setting<std::string> hello{"hello-url", "The hello service.", "http://127.0.0.1:8086"};
    kit::Setting<std::string> documents{"documents-url", "The documents service.", "http://127.0.0.1:8087"};
    kit::Setting<std::string> insights{"insights-url", "The insights service.", "http://127.0.0.1:8088"};
    kit::Setting<bool> trust_forwarded{
        "trust-forwarded", "Whether X-Forwarded-* come from a proxy before this one, and not from anybody.", "false"};
    kit::Setting<std::chrono::milliseconds> answer_limit{"answer-limit",
                                                         "How long a service may take to begin its answer.", "30s"};
    kit::Setting<std::int64_t> upload_bytes_max{"upload-bytes-max", "The largest body that is passed on.", "67108864"};
};

void assemble(kit::App& app, const Settings& settings);

}  // namespace storefront
