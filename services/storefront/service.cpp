#include "storefront/service.h"

#include <fmt/format.h>

#include <map>

#include "kit/web/pages.h"
#include "kit/web/proxy.h"

namespace storefront {
namespace {

using Proxies = std::map<std::string, kit::Proxy, std::less<>>;

Proxies proxies_of(kit::App& app, const Settings& settings) {
    const std::pair<const char*, const kit::Setting<std::string>*> services[] = {
        {"vehicles", &settings.vehicles},   {"auth", &settings.auth},        {"orders", &settings.orders},
        {"payments", &settings.payments},   {"hello", &settings.hello},      {"notifications", &settings.notifications},
        {"documents", &settings.documents}, {"insights", &settings.insights}};
    Proxies proxies;
    for (const auto& [name, url] : services) {
        if (url->get().empty()) continue;
        kit::ProxyOptions options{.name = name, .base = url->get(), .prefix = fmt::format("/api/{}", name)};
        options.forwarded = *settings.trust_forwarded ? kit::Forwarded::extended : kit::Forwarded::replaced;
        options.timeout = *settings.answer_limit;
        proxies.emplace(name, kit::Proxy(app.client(), std::move(options)));
    }
    return proxies;
}

}  // namespace

void assemble(kit::App& app, const Settings& settings) {
    auto& proxies = app.own<Proxies>(proxies_of(app, settings));
    app.routes()
        .any("/api/{name}/{rest...}")
        .doc("The service of that name.")
        .takes_stream({.bytes_max = static_cast<std::size_t>(*settings.upload_bytes_max)})
        .within(run::Duration::zero())
        .quiet()
        .calls([&proxies](kit::Call call) {
            const auto found = proxies.find(call.path("name"));
            if (found != proxies.end()) return found->second.pass(std::move(call));
            call.problem({.status = 404, .detail = "there is no such service", .fields = {}});
        });
    kit::serve_pages(app, *settings.pages);
}

}  // namespace storefront
