#include "kit/web/paging.h"

#include <fmt/format.h>

#include "kit/json_text.h"
#include "kit/whole.h"

namespace kit {
namespace {

constexpr std::int64_t page_max = 1'000'000;
constexpr std::int64_t per_page_max = 100;

}  // namespace

std::optional<std::int64_t> number_in(const Call& call, std::string_view name, std::int64_t most,
                                      std::vector<FieldProblem>& problems) {
    const auto text = call.query(name);
    if (!text || text->empty()) return std::nullopt;
    const auto number = whole(*text);
    if (number && *number >= 1 && *number <= most) return number;
    problems.push_back({std::string(name), fmt::format("must be a whole number from 1 to {}", most)});
    return std::nullopt;
}

RouteWriter& paged(RouteWriter& route) {
    return route.query("page", "The page, from 1.", R"({"type":"integer","minimum":1,"maximum":1000000,"default":1})")
        .query("per_page", "How many on a page.", R"({"type":"integer","minimum":1,"maximum":100,"default":20})");
}

Paging paging_of(const Call& call, std::vector<FieldProblem>& problems) {
    Paging paging;
    paging.page = number_in(call, "page", page_max, problems).value_or(paging.page);
    paging.per_page = number_in(call, "per_page", per_page_max, problems).value_or(paging.per_page);
    return paging;
}

http::Response page_of_items(const std::vector<std::string>& items, std::int64_t total, const Paging& paging) {
    std::string text;
    JsonText json(text);
    json.open('{').key("items").open('[');
    for (const auto& item : items) json.raw(item);
    json.close(']').field("total", total).field("page", paging.page).field("per_page", paging.per_page);
    json.field("pages", (total + paging.per_page - 1) / paging.per_page).close('}');
    return json_response(200, std::move(text));
}

std::string page_schema(std::string_view item_schema) {
    return fmt::format(
        R"({{"type":"object","required":["items","total","page","per_page","pages"],"properties":{{
        "items":{{"type":"array","items":{}}},"total":{{"type":"integer"}},"page":{{"type":"integer"}},
        "per_page":{{"type":"integer"}},"pages":{{"type":"integer"}}}}}})",
        item_schema);
}

}  // namespace kit
