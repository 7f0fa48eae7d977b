// Bodies as JSON and as forms against a shape with every kind of field.
#include <boost/json.hpp>

#include "fuzz.h"
#include "kit/http/server.h"
#include "kit/json_text.h"
#include "kit/web/shape.h"

namespace {

const kit::Shape& inner() {
    static const kit::Shape shape("Inner", {{"n", "A number.", kit::Need::required, kit::NumberField{-5, 5}}});
    return shape;
}

const kit::Shape& outer() {
    static const kit::Shape shape(
        "Outer", {{"text", "Text.", kit::Need::required, kit::TextField{.length_min = 1, .length_max = 20}},
                  {"id", "Text or a number.", kit::Need::optional,
                   kit::TextField{.length_min = 0, .length_max = 9, .numbers = kit::Numbers::taken_as_text}},
                  {"count", "A number.", kit::Need::optional, kit::NumberField{0, 1'000'000}},
                  {"price", "Money.", kit::Need::optional,
                   kit::DecimalField{kit::Decimal(), kit::Decimal::of_hundredths(1'000'000)}},
                  {"choice", "One.", kit::Need::optional, kit::ChoiceField{{"a", "b"}}},
                  {"choices", "Some.", kit::Need::optional, kit::ChoicesField{{"a", "b"}, 0}},
                  {"inner", "Within.", kit::Need::optional, kit::ObjectField{&inner()}}});
    return shape;
}

void check_values(const base::Result<kit::Values>& values) {
    if (!values) return;
    base::check(values->has("text") && !values->text("text").empty(), "what is required is there");
    if (values->has("count"))
        base::check(values->number("count") >= 0 && values->number("count") <= 1'000'000, "range");
    if (values->has("price")) base::check(values->decimal("price") >= kit::Decimal(), "range of money");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = fuzz::text(data, size);
    check_values(outer().read_json(input));
    check_values(outer().read_form(kit::http::parse_query(input)));
    std::string written;
    kit::append_json_string(written, input);
    boost::system::error_code error;
    boost::json::parse(written, error);
    base::check(!error, "any bytes become a JSON string");
    return 0;
}
