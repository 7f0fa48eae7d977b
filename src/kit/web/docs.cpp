#include "kit/web/docs.h"

#include <filesystem>

#include "kit/web/pages.h"

namespace kit {
namespace {

constexpr std::string_view not_built =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>The interface of this service</title>"
    "<h1>The page is not built</h1><p><a href=\"openapi.json\">openapi.json</a> says what it would show. The folder "
    "that the setting <code>docs-pages</code> names held no <code>index.html</code>; <code>make web</code> makes "
    "it.</p></html>\n";

/// The page's parts are at docs/..., seen from /docs: with a slash behind they would be looked for elsewhere.
bool moved(Call& call) {
    if (!call.request().path.ends_with('/')) return false;
    call.answer(see_other("../docs"));
    return true;
}

}  // namespace

void serve_docs(App& app, const std::string& folder) {
    auto page = app.routes().get("/docs").unlisted().quiet();
    if (!std::filesystem::exists(std::filesystem::path(folder) / "index.html")) {
        return page.calls([](Call call) {
            if (moved(call)) return;
            auto response = page_response(200, std::string(not_built));
            const auto strict = strict_headers();
            for (const auto& [name, value] : strict.all()) response.headers.add(name, value);
            call.answer(std::move(response));
        });
    }
    const auto files =
        std::make_shared<FileShelf>(StaticFiles{.folder = folder, .forever = "", .headers = strict_headers()});
    if (auto filled = files->fill(); !filled) return app.give_up(std::move(filled).error());
    page.calls([files](Call call) {
        if (!moved(call)) files->answer(std::move(call), "index.html");
    });
    app.routes().get("/docs/{name}").unlisted().quiet().calls([files](Call call) {
        const std::string name(call.path("name"));
        files->answer(std::move(call), name);
    });
}

}  // namespace kit
