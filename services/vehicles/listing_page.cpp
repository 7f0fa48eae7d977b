#include "vehicles/listing_page.h"

#include <algorithm>

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
        query += (query.empty() ? "?" : "&") + std::string(name) + "=" + percent_encoded(value);
    };
    if (!wish.search.empty()) add("q", wish.search);
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

void row(Html& html, const Vehicle& vehicle) {
    const auto link = "/vehicles/" + std::to_string(vehicle.id);
    html("<tr><td class=name><a").attribute("href", link)(">").text(vehicle.name)("</a>");
    if (!vehicle.description.empty()) html("<p class=about>").text(vehicle.description)("</p>");
    html("</td><td data-label=Brand>").text(vehicle.brand)("</td><td data-label=Model>").text(vehicle.model);
    html("</td><td class=number data-label=Year>").text(std::to_string(vehicle.year));
    html("</td><td class=\"number price\" data-label=Price>").text(grouped(vehicle.price.text()));
    html("</td><td class=do><a class=\"button small\"")
        .attribute("href", link)
        .attribute("aria-label", "Edit " + vehicle.name);
    html(">Edit</a><a class=\"button small danger\"").attribute("href", link + "/remove");
    html.attribute("aria-label", "Delete " + vehicle.name)(">Delete</a></td></tr>");
}

void table(Html& html, const Wish& wish, const Listing& listing) {
    html("<div class=card><table><thead><tr>");
    heading(html, wish, "name", "Name", "name");
    heading(html, wish, "brand", "Brand", "brand");
    heading(html, wish, "model", "Model", "model");
    heading(html, wish, "year", "Year", "number");
    heading(html, wish, "price", "Price", "number");
    html("<th scope=col class=do><span class=quiet>Actions</span></th></tr></thead><tbody>");
    for (const auto& vehicle : listing.vehicles) row(html, vehicle);
    html("</tbody></table></div>");
}

void nothing(Html& html, const Wish& wish) {
    html("<section class=\"card message\">");
    if (wish.search.empty()) {
        html(
            "<h2>No vehicles yet</h2><p>Add the first one to start the catalogue.</p>"
            "<p><a class=\"button primary\" href=/vehicles/new>Add vehicle</a></p>");
    } else {
        html("<h2>Nothing found</h2><p>No vehicle matches “")
            .text(wish.search)("”.</p><p><a class=button href=/>Show all vehicles</a></p>");
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

std::string listing_html(const Wish& wish, const Listing& listing) {
    Html html;
    html("<div class=title><h1>All vehicles</h1><p class=count>")(std::to_string(listing.total));
    html(listing.total == 1 ? " vehicle" : " vehicles")(wish.search.empty() ? "" : " found")("</p></div>");
    tools(html, wish);
    if (listing.vehicles.empty()) {
        nothing(html, wish);
    } else {
        table(html, wish, listing);
    }
    pages(html, wish, listing.total);
    return html.str();
}

}  // namespace vehicles
