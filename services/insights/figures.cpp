#include "insights/figures.h"

#include <algorithm>
#include <boost/json.hpp>
#include <map>
#include <span>

#include "fmt/format.h"
#include "kit/http/server.h"
#include "kit/json_text.h"

namespace insights {
namespace {

namespace json = boost::json;
using kit::Decimal;
using kit::JsonText;

constexpr std::string_view states[] = {"available", "reserved", "sold"};
constexpr std::string_view steps[] = {"placed", "paid", "confirmed"};
constexpr std::string_view ends[] = {"declined", "expired", "cancelled", "refunded"};

const json::object nothing_known;

const json::object& object_of(const Known& known) { return known.value ? *known.value : nothing_known; }

const json::object& object_at(const json::object& from, std::string_view name) {
    const auto* found = from.if_contains(name);
    return found && found->is_object() ? found->get_object() : nothing_known;
}

const json::array& array_at(const json::object& from, std::string_view name) {
    static const json::array none;
    const auto* found = from.if_contains(name);
    return found && found->is_array() ? found->get_array() : none;
}

std::int64_t count_at(const json::object& from, std::string_view name) {
    const auto* found = from.if_contains(name);
    return found && found->is_int64() ? found->get_int64() : 0;
}

Decimal money_at(const json::object& from, std::string_view name) {
    const auto* found = from.if_contains(name);
    if (found && found->is_int64()) return Decimal::of_hundredths(found->get_int64() * 100);
    return found && found->is_double() ? Decimal::from_double(found->get_double()).value_or(Decimal()) : Decimal();
}

std::string text_at(const json::object& from, std::string_view name) {
    const auto* found = from.if_contains(name);
    return found && found->is_string() ? std::string(found->get_string()) : std::string();
}

void write_brands(JsonText& out, const json::object& catalogue) {
    out.key("brands").open('[');
    for (const auto& row : array_at(catalogue, "by_brand")) {
        if (row.is_object()) out.value(text_at(row.get_object(), "brand"));
    }
    out.close(']');
}

void write_stock(JsonText& out, const Filter& filter, const json::object& catalogue, const json::object& chosen) {
    out.key("stock").open('{');
    for (const auto state : states) out.field(state, count_at(object_at(chosen, "stock"), state));
    out.close('}').key("by_brand").open('[');
    for (const auto& row : array_at(catalogue, "by_brand")) {
        if (!row.is_object()) continue;
        const auto brand = text_at(row.get_object(), "brand");
        if (!filter.brand.empty() && brand != filter.brand) continue;
        out.open('{').field("brand", brand);
        for (const auto state : states) out.field(state, count_at(row.get_object(), state));
        out.close('}');
    }
    out.close(']');
}

void write_prices(JsonText& out, const json::object& chosen) {
    out.key("prices").open('{').key("buckets").open('[');
    for (const auto& one : array_at(chosen, "prices")) {
        if (!one.is_object()) continue;
        const auto& bucket = one.get_object();
        out.open('{').field("from", money_at(bucket, "from")).field("to", money_at(bucket, "to"));
        out.field("count", count_at(bucket, "count")).close('}');
    }
    out.close(']').close('}');
}

/// Each day of the filter, those without orders too.
void write_sales(JsonText& out, const Filter& filter, const json::object& orders) {
    std::map<std::string, const json::object*> days;
    for (const auto& day : array_at(orders, "days")) {
        if (day.is_object()) days[text_at(day.get_object(), "day")] = &day.get_object();
    }
    out.key("sales").open('{').field("count", count_at(object_at(orders, "states"), "confirmed"));
    out.field("revenue", money_at(orders, "revenue")).key("days").open('[');
    for (auto day = filter.from_day; day <= filter.to_day; ++day) {
        const auto text = day_text(day);
        const auto found = days.find(text);
        const auto& one = found == days.end() ? nothing_known : *found->second;
        out.open('{').field("day", text).field("placed", count_at(one, "placed"));
        out.field("confirmed", count_at(one, "confirmed")).field("sold", count_at(one, "sold"));
        out.field("revenue", money_at(one, "revenue")).close('}');
    }
    out.close(']').field("by_brand", text_at(orders, "brand") == filter.brand).close('}');
}

void write_steps(JsonText& out, std::string_view name, std::span<const std::string_view> of,
                 const json::object& counts) {
    out.key(name).open('[');
    for (const auto step : of) out.open('{').field("state", step).field("count", count_at(counts, step)).close('}');
    out.close(']');
}

void write_source(JsonText& out, std::string_view name, const Known& known) {
    std::string detail;
    if (!known.problem.empty()) {
        detail = fmt::format("{} cannot be asked: {}; ", name, known.problem);
        detail += known.value ? fmt::format("shown is what it said at {}", base::rfc3339(known.time))
                              : std::string("it has not said anything yet");
    }
    out.open('{').field("name", name).field("ok", known.problem.empty()).field("detail", detail).close('}');
}

}  // namespace

std::string figures_text(const Filter& filter, const Material& material) {
    const auto& catalogue = object_of(material.catalogue);
    const auto& chosen = object_of(material.chosen);
    const auto& orders = object_of(material.orders);
    std::string text;
    JsonText out(text);
    out.open('{').key("filter").open('{').field("brand", filter.brand).field("from", day_text(filter.from_day));
    out.field("to", day_text(filter.to_day)).close('}');
    write_brands(out, catalogue);
    const auto currency = text_at(catalogue, "currency");
    out.field("currency", currency.empty() ? "EUR" : currency);
    write_stock(out, filter, catalogue, chosen);
    write_prices(out, chosen);
    write_sales(out, filter, orders);
    write_steps(out, "funnel", steps, object_at(orders, "funnel"));
    write_steps(out, "endings", ends, object_at(orders, "states"));
    out.key("sources").open('[');
    write_source(out, "vehicles", material.chosen.problem.empty() ? material.catalogue : material.chosen);
    write_source(out, "orders", material.orders);
    out.close(']').close('}');
    return text;
}

std::string with_time(std::string_view text, run::Time time) {
    return fmt::format("{{\"time\":\"{}\",{}", base::rfc3339(time), text.substr(1));
}

void Figures::gather(const Filter& filter, std::move_only_function<void(base::Result<std::string>)> told) {
    struct Open {
        Filter filter;
        Material material;
        int missing = 3;
        std::move_only_function<void(base::Result<std::string>)> told;
    };
    const auto open = std::make_shared<Open>(Open{filter, {}, 3, std::move(told)});
    const auto put = [open](Known Material::*where) {
        return [open, where](const Known& known) {
            open->material.*where = known;
            if (--open->missing > 0) return;
            const auto& material = open->material;
            if (!material.nothing()) return open->told(figures_text(open->filter, material));
            open->told(
                base::fail(base::Code::unavailable, fmt::format("nothing is known yet: vehicles: {}; orders: {}",
                                                                material.catalogue.problem, material.orders.problem)));
        };
    };
    const auto brand = kit::http::percent_encoded(filter.brand);
    vehicles_.ask("/vehicles/stats", put(&Material::catalogue));
    vehicles_.ask(brand.empty() ? "/vehicles/stats" : fmt::format("/vehicles/stats?brand={}", brand),
                  put(&Material::chosen));
    orders_.ask(
        fmt::format("/orders/stats?brand={}&from={}&to={}", brand, day_text(filter.from_day), day_text(filter.to_day)),
        put(&Material::orders));
}

}  // namespace insights
