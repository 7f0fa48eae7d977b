#include "kit/web/pages.h"

#include <filesystem>

namespace kit {
namespace {

void say_not_built(Call call) {
    auto response = page_response(
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

}  // namespace

http::Headers strict_headers() {
    http::Headers headers;
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

void serve_pages(App& app, const std::string& folder) {
    if (std::filesystem::exists(std::filesystem::path(folder) / "index.html")) {
        return app.static_files({.folder = folder, .fallback = "index.html", .headers = strict_headers()});
    }
    app.log().warn("the pages are not built", {{"folder", folder}});
    app.routes().get("/{rest...}").unlisted().quiet().calls(say_not_built);
}

}  // namespace kit
