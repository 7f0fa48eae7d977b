#include "vehicles/pages.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>

#include "kit/whole.h"
#include "vehicles/api.h"
#include "vehicles/assets.h"
#include "vehicles/html.h"
#include "vehicles/listing_page.h"

namespace vehicles {
namespace {

using kit::Call;

constexpr std::string_view content_security_policy =
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
constexpr std::string_view token_cookie = "form_token";
constexpr std::size_t token_bytes = 16;

std::string random_token() {
    static constexpr char digits[] = "0123456789abcdef";
    std::array<unsigned char, token_bytes> bytes;
    base::check(RAND_bytes(bytes.data(), bytes.size()) == 1, "the system gives random numbers");
    std::string token;
    for (const auto byte : bytes) token += {digits[byte >> 4], digits[byte & 15]};
    return token;
}

bool well_formed(std::string_view token) {
    return token.size() == 2 * token_bytes && token.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string_view value_of(const FormPairs& pairs, std::string_view name) {
    const auto found = std::ranges::find(pairs, name, &FormPairs::value_type::first);
    return found == pairs.end() ? std::string_view{} : std::string_view(found->second);
}

std::optional<std::int64_t> revision_in(const FormPairs& pairs) { return kit::whole(value_of(pairs, "revision")); }

FormPairs pairs_of(const Vehicle& vehicle) {
    return {{"name", vehicle.name},
            {"brand", vehicle.brand},
            {"model", vehicle.model},
            {"year", std::to_string(vehicle.year)},
            {"price", vehicle.price.text()},
            {"description", vehicle.description},
            {"revision", std::to_string(vehicle.revision)}};
}

kit::http::Response asset(std::string_view type, std::string_view bytes) {
    auto response = kit::text_response(200, std::string(bytes), type);
    response.headers.add("Cache-Control", "public, max-age=31536000, immutable");
    return response;
}

struct Input {
    const char* name;
    const char* label;
    const char* attributes;
    const char* hint;
};

constexpr Input inputs[] = {
    {"name", "Name", "maxlength=120 required autocomplete=off",
     "What it is offered as, e.g. “Family estate, one owner”"},
    {"brand", "Brand", "maxlength=60 required autocomplete=off", ""},
    {"model", "Model", "maxlength=60 required autocomplete=off", ""},
    {"year", "Year", "inputmode=numeric pattern=\"[0-9]{4}\" maxlength=4 required autocomplete=off", ""},
    {"price", "Price", "inputmode=decimal pattern=\"[0-9]+([.][0-9]{1,2})?\" required autocomplete=off", ""},
};

/// What a form that was sent has done, said on the list that follows it.
std::string done_html(const Call& call) {
    const auto done = call.query("done").value_or("");
    const auto* said = done == "added"     ? "The vehicle was added."
                       : done == "changed" ? "The changes were saved."
                       : done == "deleted" ? "The vehicle was deleted."
                                           : nullptr;
    return said ? "<p class=\"notice good done\" role=status>" + std::string(said) + "</p>" : std::string();
}

}  // namespace

/// A form and what is to be said in it.
struct Pages::Form {
    std::string title;
    std::string action;
    std::string submit;
    FormPairs values;
    std::vector<kit::FieldProblem> problems;
    std::string notice;
    std::string remove;  ///< address of the question whether to remove; empty: none
};

bool Pages::is_form(const Call& call) {
    return call.request().headers.get("Content-Type").starts_with("application/x-www-form-urlencoded");
}

void Pages::add_routes(kit::Router& routes) {
    routes.get("/").unlisted().calls([this](Call call) { list(std::move(call)); });
    routes.get(style_path()).unlisted().quiet().calls([](Call call) {
        call.answer(asset("text/css; charset=utf-8", style_css));
    });
    routes.get("/favicon.svg").unlisted().quiet().calls([](Call call) {
        call.answer(asset("image/svg+xml", icon_svg));
    });
    routes.get("/favicon.ico").unlisted().quiet().calls([](Call call) {
        call.answer(asset("image/svg+xml", icon_svg));
    });
    if (rights_ == Rights::open) add_changing_routes(routes);
}

void Pages::add_changing_routes(kit::Router& routes) {
    routes.get("/vehicles/new").unlisted().calls([this](Call call) { add_form(std::move(call)); });
    routes.post("/vehicles/{id}").unlisted().calls([this](Call call) { change(std::move(call)); });
    routes.get("/vehicles/{id}/remove").unlisted().calls([this](Call call) { remove_form(std::move(call)); });
    routes.post("/vehicles/{id}/remove").unlisted().calls([this](Call call) { remove(std::move(call)); });
}

kit::http::Response Pages::page(const Call& call, int status, std::string_view title, std::string_view content) const {
    Html html;
    html(
        "<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport content=\"width=device-width, "
        "initial-scale=1\">")("<meta name=color-scheme content=\"light dark\"><title>");
    html.text(title)(" · Vehicles</title><link rel=icon href=/favicon.svg type=\"image/svg+xml\"><link rel=stylesheet");
    html.attribute("href", style_path())(
        "></head><body><a class=skip href=#content>Skip to content</a><header class=top><div class=bar>");
    html("<a class=mark href=/><img src=/favicon.svg alt=\"\" width=28 height=28><span>Vehicles</span></a>");
    if (rights_ == Rights::open) html("<a class=\"button primary\" href=/vehicles/new>Add vehicle</a>");
    html("</div></header><main id=content>");
    html(content)("</main><footer><span>Vehicles <span class=version>version ").text(version_);
    html("</span></span><a href=/openapi.json>API</a></footer></body></html>");
    auto response = kit::page_response(status, html.str());
    response.headers.add("Content-Security-Policy", content_security_policy);
    response.headers.add("Referrer-Policy", "same-origin");
    response.headers.add("Cache-Control", "no-store");
    response.headers.add("Vary", "Accept");
    (void)call;
    return response;
}

kit::http::Response Pages::problem(const Call& call, const kit::Problem& problem) const {
    Html html;
    const bool away = problem.status == 503;
    const auto title = problem.status == 404 ? "Not found" : away ? "Back in a moment" : "That did not work";
    html("<section class=\"card message\"><h1>")(title)("</h1><p>").text(problem.detail);
    html("</p><p><a class=button href=/>Back to all vehicles</a></p></section>");
    auto response = page(call, problem.status, title, html.str());
    if (away) response.headers.add("Retry-After", "1");
    return response;
}

kit::http::Response Pages::form_page(const Call& call, int status, const Form& form) const {
    const auto cookie = call.cookie(token_cookie);
    const auto token = well_formed(cookie) ? std::string(cookie) : random_token();
    Html html;
    html("<div class=narrow><a class=back href=/>← All vehicles</a></div><section class=\"card form\"><h1>")
        .text(form.title)("</h1>");
    if (!form.notice.empty()) html("<p class=notice role=alert>").text(form.notice)("</p>");
    html("<form class=fields method=post").attribute("action", form.action)("><input type=hidden name=token");
    html.attribute("value", token)("><input type=hidden name=revision")
        .attribute("value", value_of(form.values, "revision"))(">");
    const auto problem_with = [&](std::string_view name) {
        const auto found = std::ranges::find(form.problems, name, &kit::FieldProblem::field);
        if (found == form.problems.end()) return std::string();
        return found->message;
    };
    const auto row = [&](std::string_view name, std::string_view label, std::string_view hint, const auto& control) {
        const auto wrong = problem_with(name);
        html("<div class=\"field f-")(name)("\"><label for=")(name)(">")(label)("</label>");
        control(wrong.empty() ? "" : " aria-invalid=true aria-describedby=" + std::string(name) + "-problem");
        if (!wrong.empty()) {
            html("<p class=problem id=")(name)("-problem>")(label)(" ").text(wrong)("</p>");
        } else if (!hint.empty()) {
            html("<p class=hint>")(hint)("</p>");
        }
        html("</div>");
    };
    for (const auto& input : inputs) {
        row(input.name, input.label, input.hint, [&](const std::string& state) {
            html("<input name=")(input.name)(" id=")(input.name)(" ")(input.attributes)(state);
            html.attribute("value", value_of(form.values, input.name))(">");
        });
    }
    row("description", "Description", "", [&](const std::string& state) {
        html("<textarea name=description id=description rows=5 maxlength=4000")(state)(">");
        html.text(value_of(form.values, "description"))("</textarea>");
    });
    html("<div class=actions><button class=\"button primary\">")
        .text(form.submit)("</button><a class=button href=/>Cancel</a>");
    if (!form.remove.empty()) html("<a class=\"button danger\"").attribute("href", form.remove)(">Delete…</a>");
    html("</div></form></section>");
    auto response = page(call, status, form.title, html.str());
    response.headers.add("Set-Cookie", std::string(token_cookie) + "=" + token + "; Path=/; HttpOnly; SameSite=Strict");
    return response;
}

/// The token must be the cookie's; and a browser that says where the form came from must say: from here.
base::Result<FormPairs> Pages::checked_form(const Call& call) const {
    auto pairs = TRY(call.form());
    const auto cookie = call.cookie(token_cookie);
    const auto sent = value_of(pairs, "token");
    const auto site = call.request().headers.get("Sec-Fetch-Site");
    const bool same = well_formed(cookie) && sent.size() == cookie.size() &&
                      CRYPTO_memcmp(sent.data(), cookie.data(), sent.size()) == 0;
    if (!same || (!site.empty() && site != "same-origin" && site != "none")) {
        return base::fail(base::Code::forbidden,
                          "this form was not sent from this site, or is too old: open it again and repeat");
    }
    return pairs;
}

void Pages::list(Call call) {
    auto wish = wish_of(call);
    if (!wish) return call.fail(wish.error());
    catalogue_.list(*wish, [this, call = std::move(call), wish = *wish](base::Result<Listing> listing) mutable {
        if (!listing) return call.fail(listing.error());
        auto response = page(call, 200, "All vehicles", done_html(call) + listing_html(wish, *listing, rights_));
        call.answer(std::move(response));
    });
}

void Pages::add_form(Call call) {
    auto response = form_page(call, 200, {.title = "Add a vehicle", .action = "/vehicles", .submit = "Add vehicle"});
    call.answer(std::move(response));
}

void Pages::add(Call call) {
    auto pairs = checked_form(call);
    if (!pairs) return call.fail(pairs.error());
    const auto values = vehicle_shape().read_form(*pairs);
    if (!values) {
        auto again = form_page(call, 422,
                               {.title = "Add a vehicle",
                                .action = "/vehicles",
                                .submit = "Add vehicle",
                                .values = std::move(*pairs),
                                .problems = kit::problem_of(values.error()).fields});
        return call.answer(std::move(again));
    }
    catalogue_.add(vehicle_of(*values), Actor{}, [call = std::move(call)](base::Result<Vehicle> added) mutable {
        if (!added) return call.fail(added.error());
        call.answer(kit::see_other("/?done=added"));
    });
}

void Pages::vehicle(Call call) {
    const auto id = id_of(call);
    if (!id) return call.fail(id.error());
    catalogue_.find(*id, [this, call = std::move(call)](base::Result<Vehicle> vehicle) mutable {
        if (!vehicle) return call.fail(vehicle.error());
        if (rights_ == Rights::by_role) {
            auto shown = page(call, 200, vehicle->name, vehicle_html(*vehicle));
            return call.answer(std::move(shown));
        }
        const auto address = "/vehicles/" + std::to_string(vehicle->id);
        Form form{.title = vehicle->name,
                  .action = address,
                  .submit = "Save changes",
                  .values = pairs_of(*vehicle),
                  .remove = address + "/remove"};
        if (vehicle->stock != Stock::available) {
            form.notice = "This vehicle is ";
            form.notice += stock_name(vehicle->stock);
            form.notice += ": its price cannot be changed and it cannot be deleted now.";
            form.remove.clear();
        }
        auto response = form_page(call, 200, form);
        call.answer(std::move(response));
    });
}

void Pages::change(Call call) {
    const auto id = id_of(call);
    if (!id) return call.fail(id.error());
    auto pairs = checked_form(call);
    if (!pairs) return call.fail(pairs.error());
    const auto address = "/vehicles/" + std::to_string(*id);
    Form form{.title = "Edit vehicle", .action = address, .submit = "Save changes", .remove = address + "/remove"};
    auto values = vehicle_shape().read_form(*pairs);
    const auto revision = revision_in(*pairs);
    form.values = std::move(*pairs);
    if (!values) {
        form.problems = kit::problem_of(values.error()).fields;
        auto again = form_page(call, 422, form);
        return call.answer(std::move(again));
    }
    auto changed = [this, call = std::move(call), form = std::move(form)](base::Result<Vehicle> result) mutable {
        if (result) return call.answer(kit::see_other("/?done=changed"));
        const auto code = result.error().code;
        if (code != base::Code::expired && code != base::Code::conflict) return call.fail(result.error());
        form.notice = code == base::Code::conflict
                          ? "This cannot be saved: " + result.error().message + "."
                          : "Somebody else has changed this vehicle meanwhile. Open it again to see its present "
                            "state; what you entered is still below.";
        auto again = form_page(call, 409, form);
        call.answer(std::move(again));
    };
    catalogue_.change({.id = *id, .revision = revision, .actor = {}}, std::move(*values), std::move(changed));
}

void Pages::remove_form(Call call) {
    const auto id = id_of(call);
    if (!id) return call.fail(id.error());
    catalogue_.find(*id, [this, call = std::move(call)](base::Result<Vehicle> vehicle) mutable {
        if (!vehicle) return call.fail(vehicle.error());
        const auto cookie = call.cookie(token_cookie);
        const auto token = well_formed(cookie) ? std::string(cookie) : random_token();
        const auto address = "/vehicles/" + std::to_string(vehicle->id);
        Html html;
        html("<section class=\"card message\"><h1>Delete this vehicle?</h1><p><strong>")
            .text(vehicle->name)("</strong><br>");
        html.text(vehicle->brand + " " + vehicle->model + ", " + std::to_string(vehicle->year));
        html("</p><p>This cannot be undone.</p><form class=actions method=post")
            .attribute("action", address + "/remove");
        html("><input type=hidden name=token").attribute("value", token)("><input type=hidden name=revision");
        html.attribute("value", std::to_string(vehicle->revision))(
            "><button class=\"button danger\">Delete</button><a class=button");
        html.attribute("href", address)(">Keep it</a></form></section>");
        auto response = page(call, 200, "Delete", html.str());
        response.headers.add("Set-Cookie",
                             std::string(token_cookie) + "=" + token + "; Path=/; HttpOnly; SameSite=Strict");
        call.answer(std::move(response));
    });
}

void Pages::remove(Call call) {
    const auto id = id_of(call);
    if (!id) return call.fail(id.error());
    const auto pairs = checked_form(call);
    if (!pairs) return call.fail(pairs.error());
    catalogue_.remove({.id = *id, .revision = revision_in(*pairs), .actor = {}},
                      [call = std::move(call)](base::Result<void> removed) mutable {
                          if (!removed) return call.fail(removed.error());
                          call.answer(kit::see_other("/?done=deleted"));
                      });
}

}  // namespace vehicles
