#include "insights/service.h"

#include "insights/export.h"
#include "insights/live.h"
#include "kit/web/pages.h"

namespace insights {
namespace {

void add_figures(kit::App& app, Figures& figures) {
    app.routes()
        .get("/api/figures")
        .doc("Stock, prices, sales and funnel; of each source, whether it answers now.")
        .query("brand", "Only that brand.")
        .query("from", "The first day, YYYY-MM-DD; without it, the last 30.")
        .query("to", "The last day, YYYY-MM-DD.")
        .replies(
            200, "The figures.",
            R"({"type":"object","required":["time","filter","brands","currency","stock","by_brand","prices","sales",
                     "funnel","endings","sources"]})")
        .replies(503, "No source has ever answered.")
        .calls([&app, &figures](kit::Call call) {
            const auto filter = filter_of({.brand = call.query("brand").value_or(""),
                                           .from = call.query("from").value_or(""),
                                           .to = call.query("to").value_or("")},
                                          app.loop().now());
            if (!filter) return call.fail(filter.error());
            figures.gather(*filter, [&app, call = std::move(call)](base::Result<std::string> text) mutable {
                if (!text) return call.fail(text.error());
                auto response = kit::json_response(200, with_time(*text, app.loop().now()));
                response.headers.add("Cache-Control", "no-store");
                call.answer(std::move(response));
            });
        });
}

}  // namespace

void assemble(kit::App& app, const Settings& settings) {
    auto& vehicles = app.peer({.name = "vehicles", .base = *settings.vehicles, .bearer = settings.service_token->text});
    auto& orders = app.peer({.name = "orders", .base = *settings.orders, .bearer = settings.service_token->text});
    const run::Duration fresh = settings.look_every.get() * 9 / 10;  // so that each look sees what is new
    auto& catalogue = app.own<Source>(vehicles, app.loop(), fresh);
    auto& sales = app.own<Source>(orders, app.loop(), fresh);
    auto& figures = app.own<Figures>(catalogue, sales);
    auto& live = app.own<Live>(figures, app.loop(), static_cast<std::size_t>(*settings.sessions_max));
    app.every(*settings.look_every, "look", [&live] { live.look(); });
    app.metrics().gauge("app_live_pages", "Pages that follow live.",
                        [&live] { return static_cast<double>(live.sessions()); });
    add_figures(app, figures);
    add_export(app, vehicles, sales);
    app.routes().get("/live").unlisted().calls([&live](kit::Call call) { live.join(std::move(call)); });
    kit::serve_pages(app, *settings.pages);
}

}  // namespace insights
