#include "vehicles/api.h"

#include "kit/auth/identity.h"
#include "kit/json_text.h"
#include "kit/web/entity_tag.h"
#include "vehicles/answers.h"
#include "vehicles/exchange_api.h"
#include "vehicles/pages.h"
#include "vehicles/requests.h"
#include "vehicles/stock_api.h"

namespace vehicles {
namespace {

using kit::Call;
using kit::auth::Role;

void list(Shelf& shelf, Call call) {
    auto wish = wish_of(call);
    if (!wish) return call.fail(wish.error());
    shelf.page(*wish, [call = std::move(call)](base::Result<Shelf::Shown> shown) mutable {
        if (!shown) return call.fail(shown.error());
        call.answer(kit::json_response(200, std::move(shown->json)));
    });
}

void show(Shelf& shelf, Call call) {
    const auto id = id_of(call);
    if (!id) return call.fail(id.error());
    shelf.vehicle(*id, [call = std::move(call)](base::Result<Shelf::Shown> shown) mutable {
        if (!shown) return call.fail(shown.error());
        const bool same = call.request().headers.get("If-None-Match") == shown->tag;
        auto response = same ? kit::http::Response{.status = 304} : kit::json_response(200, std::move(shown->json));
        response.headers.add("ETag", shown->tag);
        call.answer(std::move(response));
    });
}

void figures(Figures& figures, Call call) {
    const auto brand = call.query("brand").value_or("");
    figures.show(brand, [call = std::move(call)](base::Result<std::string> json) mutable {
        json ? call.answer(kit::json_response(200, std::move(*json))) : call.fail(json.error());
    });
}

void add(Catalogue& catalogue, Call call) {
    if (const auto json = must_be_json(call); !json) return call.fail(json.error());
    auto values = vehicle_shape().read_json(call.request().body);
    if (!values) return call.fail(values.error());
    const auto actor = actor_of(call);
    catalogue.add(vehicle_of(*values), actor, [call = std::move(call)](base::Result<Vehicle> added) mutable {
        if (!added) return call.fail(added.error());
        auto response = vehicle_response(201, *added);
        response.headers.add("Location", "/vehicles/" + std::to_string(added->id));
        call.answer(std::move(response));
    });
}

void change(Catalogue& catalogue, Call call) {
    const auto id = id_of(call);
    if (!id) return call.fail(id.error());
    if (const auto json = must_be_json(call); !json) return call.fail(json.error());
    auto values = vehicle_shape().read_json(call.request().body);
    if (!values) return call.fail(values.error());
    const auto revision = kit::revision_wanted(call, std::to_string(*id), "vehicle");
    if (!revision) return call.fail(revision.error());
    Catalogue::Target target{.id = *id, .revision = *revision, .actor = actor_of(call)};
    catalogue.change(std::move(target), std::move(*values),
                     [call = std::move(call)](base::Result<Vehicle> changed) mutable {
                         if (!changed) return call.fail(changed.error());
                         call.answer(vehicle_response(200, *changed));
                     });
}

void remove(Catalogue& catalogue, Call call) {
    const auto id = id_of(call);
    if (!id) return call.fail(id.error());
    const auto revision = kit::revision_wanted(call, std::to_string(*id), "vehicle");
    if (!revision) return call.fail(revision.error());
    Catalogue::Target target{.id = *id, .revision = *revision, .actor = actor_of(call)};
    catalogue.remove(std::move(target), [call = std::move(call)](base::Result<void> removed) mutable {
        if (!removed) return call.fail(removed.error());
        call.answer({.status = 204});
    });
}

std::string listing_schema() {
    return R"({"type":"object","required":["items","total","page","per_page","pages"],"properties":{"items":{"type":"array",
        "items":)" +
           vehicle_schema() + R"(},"total":{"type":"integer"},"page":{"type":"integer"},
        "per_page":{"type":"integer"},"pages":{"type":"integer"}}})";
}

constexpr auto figures_schema = R"({"type":"object","required":["currency","stock","by_brand","prices"],"properties":{
    "currency":{"type":"string"},"stock":{"type":"object","additionalProperties":{"type":"integer"}},
    "by_brand":{"type":"array","items":{"type":"object","properties":{"brand":{"type":"string"},
    "available":{"type":"integer"},"reserved":{"type":"integer"},"sold":{"type":"integer"}}}},
    "prices":{"type":"array","items":{"type":"object","properties":{"from":{"type":"number"},"to":{"type":"number"},
    "count":{"type":"integer"}}}}}})";

std::string sort_schema() {
    std::string text = R"({"type":"string","default":"-created_at","enum":[)";
    for (const auto& field : sort_fields()) text += "\"" + field + "\",\"-" + field + "\",";
    text.back() = ']';
    return text + "}";
}

void add_reading_routes(kit::Router& routes, Shelf& shelf, Figures& counts, Pages& pages) {
    static constexpr auto price = R"({"type":"number","minimum":0,"multipleOf":0.01})";
    static constexpr auto year = R"({"type":"integer","minimum":1,"maximum":9999})";
    routes.get("/vehicles")
        .doc("Lists vehicles: a page of them, searched, filtered and sorted.")
        .knows()
        .query("q", "Words that name, brand, model or description hold.")
        .query("stock", "Only those in this state.", R"({"type":"string","enum":["available","reserved","sold"]})")
        .query("brand", "Only this brand.")
        .query("price_min", "Only from this price.", price)
        .query("price_max", "Only up to this price.", price)
        .query("year_min", "Only from this year.", year)
        .query("year_max", "Only up to this year.", year)
        .query("dealer", "Only of this dealer, by id or name; me: who asks.")
        .query("sort", "The field to sort by; - in front for the other way round.", sort_schema())
        .query("page", "The page, from 1.", R"({"type":"integer","minimum":1,"maximum":1000000,"default":1})")
        .query("per_page", "Vehicles on a page.", R"({"type":"integer","minimum":1,"maximum":100,"default":20})")
        .replies(200, "A page of vehicles.", listing_schema())
        .calls([&](Call call) { call.wants_page() ? pages.list(std::move(call)) : list(shelf, std::move(call)); });
    routes.get("/vehicles/stats")
        .doc("Figures of the catalogue, at most a few seconds old: counts by stock and brand, a histogram of prices.")
        .query("brand", "Only this brand.")
        .replies(200, "The figures.", figures_schema)
        .calls([&](Call call) { figures(counts, std::move(call)); });
    routes.get("/vehicles/{id}")
        .doc("Shows a vehicle; its ETag is for If-None-Match and If-Match.")
        .replies(200, "The vehicle.", vehicle_schema())
        .replies(304, "It is what If-None-Match says.")
        .calls([&](Call call) { call.wants_page() ? pages.vehicle(std::move(call)) : show(shelf, std::move(call)); });
}

}  // namespace

kit::http::Response vehicle_response(int status, const Vehicle& vehicle) {
    std::string text;
    text.reserve(512 + vehicle.description.size());
    append_json(text, vehicle);
    auto response = kit::json_response(status, std::move(text));
    response.headers.add("ETag", etag(vehicle));
    return response;
}

/// Where changes are open, a dealer who logs in still adds vehicles of their own.
static kit::RouteWriter& changing(kit::RouteWriter&& route, Rights rights) {
    return rights == Rights::by_role ? route.needs({Role::dealer, Role::admin}) : route.knows();
}

void add_routes(kit::App& app, Parts parts, Rights rights) {
    auto& catalogue = parts.catalogue;
    auto& routes = app.routes();
    auto& pages = app.own<Pages>(catalogue, app.version(), rights);
    routes.problem_page(
        [&pages](const Call& call, const kit::Problem& problem) { return pages.problem(call, problem); });
    pages.add_routes(routes);
    add_exchange_routes(routes, {parts.database, app.loop(), parts.changes, catalogue}, rights);
    add_reading_routes(routes, parts.shelf, parts.figures, pages);
    changing(routes.post("/vehicles"), rights)
        .doc("Adds a vehicle.")
        .takes(vehicle_shape())
        .replies(201, "The vehicle, with its address in Location.", vehicle_schema())
        .calls([&, rights](Call call) {
            const bool form = rights == Rights::open && Pages::is_form(call);
            form ? pages.add(std::move(call)) : add(catalogue, std::move(call));
        });
    changing(routes.put("/vehicles/{id}"), rights)
        .doc("Replaces a vehicle; with If-Match only the revision that it names.")
        .takes(vehicle_shape())
        .replies(200, "The vehicle as it is now.", vehicle_schema())
        .replies(409, "It is reserved or sold and its price would change.")
        .calls([&](Call call) { change(catalogue, std::move(call)); });
    changing(routes.del("/vehicles/{id}"), rights)
        .doc("Removes a vehicle; with If-Match only the revision that it names.")
        .replies(204, "It is gone.")
        .replies(409, "It is reserved or sold.")
        .calls([&](Call call) { remove(catalogue, std::move(call)); });
    add_stock_routes(routes, catalogue);
}

}  // namespace vehicles
