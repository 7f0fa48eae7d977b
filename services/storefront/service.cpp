#include "storefront/service.h"

#include <fmt/format.h>

#include <filesystem>
#include <map>

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

/// Nothing but our own files may run, be shown or be asked; nobody may frame us.
kit::http::Headers strict_headers() {
    kit::http::Headers headers;
    headers.add("Content-Security-Policy",
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
                "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'");
    headers.add("X-Frame-Options", "DENY");
    headers.add("Referrer-Policy", "same-origin");
    headers.add("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()");
    headers.add("Cross-Origin-Opener-Policy", "same-origin");
    headers.add("Cross-Origin-Resource-Policy", "same-origin");
    return headers;
}

void say_not_built(kit::Call call) {
    auto response = kit::page_response(
        503,
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>The pages are not built</title>"
        "<h1>The pages are not built</h1><p>This service runs, and so do those under <code>/api/</code>, but the "
        "folder "
        "of its pages (the setting <code>pages</code>) held no <code>index.html</code> when it started.</p><p>Make "
        "them "
        "with <code>make web</code>, which needs Node.js and npm, and start it again.</p></html>\n");
    const auto strict = strict_headers();
    for (const auto& [name, value] : strict.all()) response.headers.add(name, value);
    response.headers.add("Cache-Control", "no-store");
    call.answer(std::move(response));
}

void serve_pages(kit::App& app, const std::string& folder) {
    if (std::filesystem::exists(std::filesystem::path(folder) / "index.html")) {
        return app.static_files({.folder = folder, .fallback = "index.html", .headers = strict_headers()});
    }
    app.log().warn("the pages are not built", {{"folder", folder}});
    app.routes().get("/{rest...}").unlisted().quiet().calls(say_not_built);
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
    serve_pages(app, *settings.pages);
}

}  // namespace storefront
