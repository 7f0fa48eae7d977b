#include "vehicles/api.h"

#include <algorithm>
#include <charconv>

#include "kit/json_text.h"
#include "vehicles/pages.h"

namespace vehicles {
namespace {

using kit::Call;

constexpr std::int64_t page_max = 1'000'000;
constexpr std::int64_t per_page_max = 100;

std::optional<std::int64_t> whole(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

void number_in(const Call& call, std::string_view name, std::int64_t most, std::int64_t& value,
               std::vector<kit::FieldProblem>& problems) {
    const auto text = call.query(name);
    if (!text || text->empty()) return;
    const auto number = whole(*text);
    if (!number || *number < 1 || *number > most) {
        problems.push_back({std::string(name), "must be a whole number from 1 to " + std::to_string(most)});
    } else {
        value = *number;
    }
}

kit::http::Response vehicle_response(int status, const Vehicle& vehicle) {
    std::string text;
    append_json(text, vehicle);
    auto response = kit::json_response(status, std::move(text));
    response.headers.add("ETag", etag(vehicle));
    return response;
}

bool is_json(const Call& call) {
    const auto type = call.request().headers.get("Content-Type");
    return type.starts_with("application/json") ||
           (type.starts_with("application/") && type.find("+json") != std::string_view::npos);
}

base::Error not_json() {
    return {base::Code::unsupported_media_type, "the body must be JSON: send Content-Type: application/json"};
}

/// The revision that If-Match asks for: none when it is absent or "*"; an Error when it cannot match.
base::Result<std::optional<std::int64_t>> revision_wanted(const Call& call, std::int64_t id) {
    const auto tag = call.request().headers.get("If-Match");
    if (tag.empty() || tag == "*") return std::nullopt;
    const auto front = "\"" + std::to_string(id) + "-";
    if (tag.starts_with(front) && tag.ends_with('"')) {
        if (const auto revision = whole(tag.substr(front.size(), tag.size() - front.size() - 1))) return revision;
    }
    return base::fail(base::Code::expired,
                      "If-Match " + std::string(tag) + " is no tag of this vehicle's present state");
}

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
    if (!is_json(call)) return call.fail(not_json());
    const auto values = vehicle_shape().read_json(call.request().body);
    if (!values) return call.fail(values.error());
    catalogue.add(vehicle_of(*values), [call = std::move(call)](base::Result<Vehicle> added) mutable {
        if (!added) return call.fail(added.error());
        auto response = vehicle_response(201, *added);
        response.headers.add("Location", "/vehicles/" + std::to_string(added->id));
        call.answer(std::move(response));
    });
}

void change(Catalogue& catalogue, Call call) {
    const auto id = id_of(call);
    if (!id) return call.fail(id.error());
    if (!is_json(call)) return call.fail(not_json());
    const auto values = vehicle_shape().read_json(call.request().body);
    if (!values) return call.fail(values.error());
    const auto revision = revision_wanted(call, *id);
    if (!revision) return call.fail(revision.error());
    catalogue.change(*id, vehicle_of(*values), *revision,
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
    catalogue.remove(*id, *revision, [call = std::move(call)](base::Result<void> removed) mutable {
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

}  // namespace

base::Result<Wish> wish_of(const Call& call) {
    Wish wish;
    std::vector<kit::FieldProblem> problems;
    wish.search = call.query("q").value_or("");
    if (wish.search.size() > 200) problems.push_back({"q", "must have at most 200 characters"});
    if (const auto sort = call.query("sort"); sort && !sort->empty()) {
        const auto field = sort->substr(sort->starts_with('-') ? 1 : 0);
        if (std::ranges::find(sort_fields(), field) == sort_fields().end()) {
            problems.push_back({"sort", "must be a field like price, or -price for the other way round"});
        } else {
            wish.sort = *sort;
        }
    }
    number_in(call, "page", page_max, wish.page, problems);
    number_in(call, "per_page", per_page_max, wish.per_page, problems);
    if (!problems.empty()) return std::unexpected(kit::invalid_fields(std::move(problems)));
    return wish;
}

base::Result<std::int64_t> id_of(const Call& call) {
    const auto id = whole(call.path("id"));
    if (!id) return base::fail(base::Code::not_found, "there is no vehicle " + std::string(call.path("id")));
    return *id;
}

void add_routes(kit::App& app, Catalogue& catalogue) {
    auto& routes = app.routes();
    auto& pages = app.own<Pages>(catalogue, app.version());
    routes.problem_page(
        [&pages](const Call& call, const kit::Problem& problem) { return pages.problem(call, problem); });
    pages.add_routes(routes);
    routes.get("/vehicles")
        .doc("Lists vehicles: a page of them, searched and sorted.")
        .query("q", "Words that name, brand, model or description hold.")
        .query("sort", "The field to sort by; - in front for the other way round.", sort_schema())
        .query("page", "The page, from 1.", R"({"type":"integer","minimum":1,"default":1})")
        .query("per_page", "Vehicles on a page.", R"({"type":"integer","minimum":1,"maximum":100,"default":20})")
        .replies(200, "A page of vehicles.", listing_schema())
        .calls([&](Call call) { call.wants_page() ? pages.list(std::move(call)) : list(catalogue, std::move(call)); });
    routes.post("/vehicles")
        .doc("Adds a vehicle.")
        .takes(vehicle_shape())
        .replies(201, "The vehicle, with its address in Location.", vehicle_schema())
        .calls([&](Call call) { Pages::is_form(call) ? pages.add(std::move(call)) : add(catalogue, std::move(call)); });
    routes.get("/vehicles/{id}")
        .doc("Shows a vehicle; its ETag is for If-None-Match and If-Match.")
        .replies(200, "The vehicle.", vehicle_schema())
        .replies(304, "It is what If-None-Match says.")
        .calls([&](Call call) {
            call.wants_page() ? pages.edit_form(std::move(call)) : show(catalogue, std::move(call));
        });
    routes.put("/vehicles/{id}")
        .doc("Replaces a vehicle; with If-Match only the revision that it names.")
        .takes(vehicle_shape())
        .replies(200, "The vehicle as it is now.", vehicle_schema())
        .calls([&](Call call) { change(catalogue, std::move(call)); });
    routes.del("/vehicles/{id}")
        .doc("Removes a vehicle; with If-Match only the revision that it names.")
        .replies(204, "It is gone.")
        .calls([&](Call call) { remove(catalogue, std::move(call)); });
}

}  // namespace vehicles
