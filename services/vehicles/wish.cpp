#include "vehicles/wish.h"

namespace vehicles {
namespace {

/// A pattern for LIKE that finds `words` anywhere; its wildcards are taken by the letter.
std::string pattern_of(std::string_view words) {
    std::string pattern = "%";
    for (const char c : words) {
        if (c == '%' || c == '_' || c == '\\') pattern += '\\';
        pattern += c;
    }
    return pattern += '%';
}

/// Conditions that all must hold, each with one parameter that stands in it as a bare '$'.
class Conditions {
 public:
    void add(std::string_view condition, std::string value) {
        query_.parameters.emplace_back(std::move(value));
        const auto number = std::to_string(query_.parameters.size());
        query_.sql += query_.sql.empty() ? " WHERE " : " AND ";
        for (const char c : condition) {
            query_.sql += c;
            if (c == '$') query_.sql += number;
        }
    }
    Query take() { return std::move(query_); }

 private:
    Query query_;
};

}  // namespace

bool Wish::all() const {
    return search.empty() && !stock && brand.empty() && !price_min && !price_max && !year_min && !year_max &&
           dealer.empty();
}

const std::vector<std::string>& sort_fields() {
    static const std::vector<std::string> fields = {"id",   "name",  "brand",      "model",
                                                    "year", "price", "created_at", "updated_at"};
    return fields;
}

Query where_of(const Wish& wish, std::string_view now) {
    Conditions all;
    if (!wish.search.empty()) {
        all.add("lower(name || ' ' || brand || ' ' || model || ' ' || description) LIKE lower($) ESCAPE '\\'",
                pattern_of(wish.search));
    }
    if (wish.stock == Stock::available) {
        all.add("(stock = 'available' OR (stock = 'reserved' AND reserved_until <= $))", std::string(now));
    } else if (wish.stock == Stock::reserved) {
        all.add("(stock = 'reserved' AND reserved_until > $)", std::string(now));
    } else if (wish.stock == Stock::sold) {
        all.add("stock = $", "sold");
    }
    if (!wish.brand.empty()) all.add("lower(brand) = lower($)", wish.brand);
    if (wish.price_min) all.add("price >= $", std::to_string(wish.price_min->hundredths()));
    if (wish.price_max) all.add("price <= $", std::to_string(wish.price_max->hundredths()));
    if (wish.year_min) all.add("year >= $", std::to_string(*wish.year_min));
    if (wish.year_max) all.add("year <= $", std::to_string(*wish.year_max));
    if (!wish.dealer.empty()) all.add("(dealer_id = $ OR lower(dealer) = lower($))", wish.dealer);
    return all.take();
}

std::string order_of(const std::string& sort) {
    const bool down = sort.starts_with('-');
    auto field = sort.substr(down ? 1 : 0);
    if (field == "name" || field == "brand" || field == "model") field = "lower(" + field + ")";
    std::string order = " ORDER BY ";
    order += field;
    order += down ? " DESC, id DESC" : " ASC, id ASC";
    return order;
}

}  // namespace vehicles
