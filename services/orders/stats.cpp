#include "orders/stats.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <map>

#include "kit/json_text.h"

namespace orders {
namespace {

using kit::Call;
using kit::Decimal;

constexpr std::int64_t days_standard = 30;
constexpr std::int64_t days_max = 366;

std::string day_text(std::int64_t day) {
    const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
    return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                       static_cast<unsigned>(date.day()));
}

std::optional<std::int64_t> day_of(const std::string& text) {
    const auto time = base::parse_rfc3339(fmt::format("{}T00:00:00Z", text));
    if (!time) return std::nullopt;
    return std::chrono::floor<std::chrono::days>(*time).time_since_epoch().count();
}

/// Without days, the last thirty.
base::Result<Figures> wish_of(const Call& call, run::Time now) {
    const auto today = std::chrono::floor<std::chrono::days>(now).time_since_epoch().count();
    Figures wish{.brand = call.query("brand").value_or(""), .from_day = today - days_standard + 1, .to_day = today};
    std::vector<kit::FieldProblem> problems;
    const auto read = [&](const char* name, std::int64_t& day) {
        const auto text = call.query(name);
        if (!text || text->empty()) return;
        const auto found = text->size() == 10 ? day_of(*text) : std::nullopt;
        if (!found) return problems.push_back({name, "must be a day like 2026-01-31"});
        day = *found;
    };
    read("from", wish.from_day);
    read("to", wish.to_day);
    if (wish.brand.size() > 200) problems.push_back({"brand", "must have at most 200 characters"});
    if (problems.empty() && (wish.to_day < wish.from_day || wish.to_day - wish.from_day >= days_max)) {
        problems.push_back({"to", fmt::format("must be at most {} days after from", days_max)});
    }
    if (!problems.empty()) return std::unexpected(kit::invalid_fields(std::move(problems)));
    return wish;
}

struct Day {
    std::int64_t placed = 0;
    std::int64_t paid = 0;
    std::int64_t confirmed = 0;
    std::int64_t sold = 0;  ///< of these, not given back
    Decimal revenue;
};

std::string text_of(const Figures& wish, const std::vector<DayFigures>& figures) {
    std::map<std::int64_t, Day> days;
    std::map<std::string, std::int64_t> states;
    Day sum;
    for (auto day = wish.from_day; day <= wish.to_day; ++day) days[day];
    for (const auto& one : figures) {
        for (auto* into : {&days[one.day], &sum}) {
            into->placed += one.orders;
            into->paid += one.paid;
            into->confirmed += one.confirmed;
            if (one.stage == name_of(Stage::confirmed)) into->sold += one.orders;
            into->revenue = into->revenue + one.revenue;
        }
        Order order;
        order.stage = stage_named(one.stage).value_or(Stage::placed);
        states[std::string(state_of(order))] += one.orders;
    }
    std::string text;
    kit::JsonText json(text);
    json.open('{').field("from", day_text(wish.from_day)).field("to", day_text(wish.to_day));
    json.field("brand", wish.brand).field("currency", "EUR").key("states").open('{');
    for (const auto& [state, count] : states) json.field(state, count);
    json.close('}').key("funnel").open('{').field("placed", sum.placed).field("paid", sum.paid);
    json.field("confirmed", sum.confirmed).close('}').field("revenue", sum.revenue).key("days").open('[');
    for (const auto& [day, one] : days) {
        json.open('{').field("day", day_text(day)).field("placed", one.placed).field("paid", one.paid);
        json.field("confirmed", one.confirmed).field("sold", one.sold).field("revenue", one.revenue).close('}');
    }
    json.close(']').close('}');
    return text;
}

}  // namespace

void add_stats(kit::App& app, OrderStore& store) {
    app.routes()
        .get("/orders/stats")
        .doc("Public figures of the orders placed within some days: counts by state, how far they came, sums by day.")
        .query("brand", "Only vehicles of that brand.")
        .query("from", "The first day, YYYY-MM-DD; without it, the last 30.")
        .query("to", "The last day, YYYY-MM-DD.")
        .replies(200, "The figures; `confirmed` counts those given back later too, `sold` and `revenue` do not.",
                 R"({"type":"object","required":["from","to","currency","states","funnel","revenue","days"]})")
        .calls([&store, &loop = app.loop()](Call call) {
            const auto wish = wish_of(call, loop.now());
            if (!wish) return call.fail(wish.error());
            store.figures(*wish,
                          [wish = *wish, call = std::move(call)](base::Result<std::vector<DayFigures>> found) mutable {
                              if (!found) return call.fail(found.error());
                              call.answer(kit::json_response(200, text_of(wish, *found)));
                          });
        });
}

}  // namespace orders
