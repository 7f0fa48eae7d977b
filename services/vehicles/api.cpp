#include "vehicles/api.h"

#include "kit/auth/identity.h"
#include "kit/json_text.h"
#include "vehicles/answers.h"
#include "vehicles/pages.h"
#include "vehicles/requests.h"
#include "vehicles/stock_api.h"

namespace vehicles {
namespace {

using kit::Call;
using kit::auth::Role;

void list(Catalogue& catalogue, Call call) {
    auto wish = wish_of(call);
    if (!wish) return call.fail(wish.error());
    catalogue.list(*wish, [call = std::move(call), wish = *wish](base::Result<Listing> listing) mutable {
        if (!listing) return call.fail(listing.error());
        std::string text;
        kit::JsonText json(text);
        json.open('{').key("items").open('[');
        for (const auto& vehicle : listing->vehicles) {
            json.raw("");
            append_json(text, vehicle);
        }
        json.close(']').field("total", listing->total).field("page", wish.page).field("per_page", wish.per_page);
        json.field("pages", (listing->total + wish.per_page - 1) / wish.per_page).close('}');
        call.answer(kit::json_response(200, std::move(text)));
    });
}

void show(Catalogue& catalogue, Call call) {
    const auto id = id_of(call);
    if (!id) return call.fail(id.error());
    catalogue.find(*id, [call = std::move(call)](base::Result<Vehicle> vehicle) mutable {
        if (!vehicle) return call.fail(vehicle.error());
        if (call.request().headers.get("If-None-Match") == etag(*vehicle)) {
            kit::http::Response same{.status = 304};
            same.headers.add("ETag", etag(*vehicle));
            return call.answer(std::move(same));
        }
        call.answer(vehicle_response(200, *vehicle));
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
    const auto revision = revision_wanted(call, *id);
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
    const auto revision = revision_wanted(call, *id);
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

std::string sort_schema() {
    std::string text = R"({"type":"string","default":"-created_at","enum":[)";
    for (const auto& field : sort_fields()) text += "\"" + field + "\",\"-" + field + "\",";
    text.back() = ']';
    return text + "}";
}

void add_list_route(kit::Router& routes, Catalogue& catalogue, Pages& pages) {
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
        .calls([&](Call call) { call.wants_page() ? pages.list(std::move(call)) : list(catalogue, std::move(call)); });
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

void add_routes(kit::App& app, Catalogue& catalogue, Rights rights) {
    auto& routes = app.routes();
    auto& pages = app.own<Pages>(catalogue, app.version(), rights);
    routes.problem_page(
        [&pages](const Call& call, const kit::Problem& problem) { return pages.problem(call, problem); });
    pages.add_routes(routes);
    add_list_route(routes, catalogue, pages);
    changing(routes.post("/vehicles"), rights)
        .doc("Adds a vehicle.")
        .takes(vehicle_shape())
        .replies(201, "The vehicle, with its address in Location.", vehicle_schema())
        .calls([&, rights](Call call) {
            const bool form = rights == Rights::open && Pages::is_form(call);
            form ? pages.add(std::move(call)) : add(catalogue, std::move(call));
        });
    routes.get("/vehicles/{id}")
        .doc("Shows a vehicle; its ETag is for If-None-Match and If-Match.")
        .replies(200, "The vehicle.", vehicle_schema())
        .replies(304, "It is what If-None-Match says.")
        .calls(
            [&](Call call) { call.wants_page() ? pages.vehicle(std::move(call)) : show(catalogue, std::move(call)); });
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
