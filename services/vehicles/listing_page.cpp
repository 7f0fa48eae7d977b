#include "vehicles/listing_page.h"

#include <algorithm>

#include "kit/http/server.h"
#include "vehicles/html.h"

namespace vehicles {
namespace {

struct Sorting {
    const char* value;
    const char* label;
};

constexpr Sorting sortings[] = {
    {"-created_at", "Newest first"},  {"created_at", "Oldest first"}, {"price", "Price, low to high"},
    {"-price", "Price, high to low"}, {"-year", "Year, new to old"},  {"year", "Year, old to new"},
    {"name", "Name, A to Z"},         {"-name", "Name, Z to A"},      {"brand", "Brand, A to Z"},
    {"-brand", "Brand, Z to A"},
};

std::string address(const Wish& wish, std::int64_t page) {
    std::string query;
    const auto add = [&](std::string_view name, const std::string& value) {
        query += (query.empty() ? "?" : "&") + std::string(name) + "=" + kit::http::percent_encoded(value);
    };
    if (!wish.search.empty()) add("q", wish.search);
    if (wish.stock) add("stock", std::string(stock_name(*wish.stock)));
    if (!wish.brand.empty()) add("brand", wish.brand);
    if (wish.price_min) add("price_min", wish.price_min->text());
    if (wish.price_max) add("price_max", wish.price_max->text());
    if (wish.year_min) add("year_min", std::to_string(*wish.year_min));
    if (wish.year_max) add("year_max", std::to_string(*wish.year_max));
    if (!wish.dealer.empty()) add("dealer", wish.dealer);
    if (wish.sort != Wish{}.sort) add("sort", wish.sort);
    if (wish.per_page != Wish{}.per_page) add("per_page", std::to_string(wish.per_page));
    if (page != 1) add("page", std::to_string(page));
    return "/" + query;
}

void tools(Html& html, const Wish& wish) {
    html("<form class=tools role=search method=get action=/><div class=search><label class=quiet for=q>Search</label>");
    html("<input type=search id=q name=q maxlength=200 placeholder=\"Search name, brand, model or description\"");
    html.attribute("value", wish.search)(
        "></div><div class=sort><label class=quiet for=sort>Sort by</label><select id=sort name=sort>");
    for (const auto& [value, label] : sortings) {
        html("<option").attribute("value", value)(wish.sort == value ? " selected>" : ">")(label)("</option>");
    }
    html("</select></div><button class=button>Show</button></form>");
}

void heading(Html& html, const Wish& wish, const char* field, const char* label, const char* style) {
    const bool up = wish.sort == field;
    const bool down = wish.sort == std::string("-") + field;
    auto other = wish;
    other.sort = up ? std::string("-") + field : field;
    html("<th scope=col class=")(style)(up ? " aria-sort=ascending" : down ? " aria-sort=descending" : "")("><a");
    html.attribute("href", address(other, 1))(">")(label)(up     ? " <span aria-hidden=true>↑</span>"
                                                          : down ? " <span aria-hidden=true>↓</span>"
                                                                 : "");
    html("</a></th>");
}

void badge(Html& html, Stock stock) {
    static constexpr const char* labels[] = {"Available", "Reserved", "Sold"};
    html(" <span class=\"stock ")(stock_name(stock))("\">")(labels[static_cast<std::size_t>(stock)])("</span>");
}

void row(Html& html, const Vehicle& vehicle, Rights rights) {
    const auto link = "/vehicles/" + std::to_string(vehicle.id);
    html("<tr><td class=name><a").attribute("href", link)(">").text(vehicle.name)("</a>");
    badge(html, vehicle.stock);
    if (!vehicle.description.empty()) html("<p class=about>").text(vehicle.description)("</p>");
    html("</td><td data-label=Brand>").text(vehicle.brand)("</td><td data-label=Model>").text(vehicle.model);
    html("</td><td class=number data-label=Year>").text(std::to_string(vehicle.year));
    html("</td><td class=\"number price\" data-label=Price>").text(grouped(vehicle.price.text()));
    if (rights == Rights::by_role) return void(html("</td></tr>"));
    html("</td><td class=do><a class=\"button small\"")
        .attribute("href", link)
        .attribute("aria-label", "Edit " + vehicle.name);
    html(">Edit</a>");
    if (vehicle.stock == Stock::available) {
        html("<a class=\"button small danger\"").attribute("href", link + "/remove");
        html.attribute("aria-label", "Delete " + vehicle.name)(">Delete</a>");
    }
    html("</td></tr>");
}

void table(Html& html, const Wish& wish, const Listing& listing, Rights rights) {
    html("<div class=card><table><thead><tr>");
    heading(html, wish, "name", "Name", "name");
    heading(html, wish, "brand", "Brand", "brand");
    heading(html, wish, "model", "Model", "model");
    heading(html, wish, "year", "Year", "number");
    heading(html, wish, "price", "Price", "number");
    if (rights == Rights::open) html("<th scope=col class=do><span class=quiet>Actions</span></th>");
    html("</tr></thead><tbody>");
    for (const auto& vehicle : listing.vehicles) row(html, vehicle, rights);
    html("</tbody></table></div>");
}

void nothing(Html& html, const Wish& wish, Rights rights) {
    html("<section class=\"card message\">");
    if (wish.all() && rights == Rights::open) {
        html(
            "<h2>No vehicles yet</h2><p>Add the first one to start the catalogue.</p>"
            "<p><a class=\"button primary\" href=/vehicles/new>Add vehicle</a></p>");
    } else if (wish.all()) {
        html("<h2>No vehicles yet</h2>");
    } else {
        html("<h2>Nothing found</h2><p>No vehicle matches");
        if (!wish.search.empty()) html(" “").text(wish.search)("”");
        html(".</p><p><a class=button href=/>Show all vehicles</a></p>");
    }
    html("</section>");
}

void pages(Html& html, const Wish& wish, std::int64_t total) {
    const auto last = std::max<std::int64_t>(1, (total + wish.per_page - 1) / wish.per_page);
    if (last == 1) return;
    const auto step = [&](const char* label, std::int64_t page, const char* rel) {
        if (page < 1 || page > last) {
            html("<span class=\"button off\" aria-disabled=true>")(label)("</span>");
        } else {
            html("<a class=button rel=")(rel).attribute("href", address(wish, page))(">")(label)("</a>");
        }
    };
    html("<nav class=pages aria-label=Pages>");
    step("← Previous", wish.page - 1, "prev");
    html("<span>Page ")(std::to_string(wish.page))(" of ")(std::to_string(last))("</span>");
    step("Next →", wish.page + 1, "next");
    html("</nav>");
}

}  // namespace

std::string grouped(const std::string& decimal) {
    std::string out = decimal;
    const auto point = std::min(out.find('.'), out.size());
    const std::size_t first = out.starts_with('-') ? 1 : 0;
    for (auto at = point; at > first + 3;) {
        at -= 3;
        out.insert(at, 1, ',');
    }
    return out;
}

std::string listing_html(const Wish& wish, const Listing& listing, Rights rights) {
    Html html;
    html("<div class=title><h1>All vehicles</h1><p class=count>")(std::to_string(listing.total));
    html(listing.total == 1 ? " vehicle" : " vehicles")(wish.all() ? "" : " found")("</p></div>");
    tools(html, wish);
    if (listing.vehicles.empty()) {
        nothing(html, wish, rights);
    } else {
        table(html, wish, listing, rights);
    }
    pages(html, wish, listing.total);
    return html.str();
}

std::string vehicle_html(const Vehicle& vehicle) {
    Html html;
    html("<div class=narrow><a class=back href=/>← All vehicles</a></div><section class=\"card form\"><h1>");
    html.text(vehicle.name);
    badge(html, vehicle.stock);
    html("</h1><p>").text(vehicle.brand)(" ").text(vehicle.model)(", ").text(std::to_string(vehicle.year));
    html("</p><p class=price>").text(grouped(vehicle.price.text()))("</p>");
    if (!vehicle.dealer.empty()) html("<p>Offered by ").text(vehicle.dealer)("</p>");
    if (!vehicle.description.empty()) html("<p>").text(vehicle.description)("</p>");
    html("</section>");
    return html.str();
}

}  // namespace vehicles
