#include "payments/card.h"

#include <algorithm>
#include <chrono>

#include "kit/problem.h"

namespace payments {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool expired(std::int64_t month, std::int64_t year, run::Time now) {
    const std::chrono::year_month_day today{std::chrono::floor<std::chrono::days>(now)};
    const auto this_month = static_cast<std::int64_t>(static_cast<int>(today.year())) * 12 +
                            static_cast<std::int64_t>(static_cast<unsigned>(today.month()));
    return year * 12 + month < this_month;  // good until its month ends
}

}  // namespace

std::string Card::brand() const {
    const auto front = std::stoi(number.substr(0, 4));
    if (number.starts_with("4")) return "visa";
    if ((front >= 5100 && front <= 5599) || (front >= 2221 && front <= 2720)) return "mastercard";
    if (number.starts_with("34") || number.starts_with("37")) return "amex";
    return "other";
}

const kit::Shape& card_shape() {
    using kit::Need;
    using kit::NumberField;
    using kit::TextField;
    static const kit::Shape shape(
        "Card", {{"number", "Its digits; spaces and dashes are passed over.", Need::required, TextField{12, 23}},
                 {"month", "The month in which it ends.", Need::required, NumberField{1, 12}},
                 {"year", "The year in which it ends, with four digits.", Need::required, NumberField{2000, 2100}},
                 {"cvc", "The three or four digits of its check code.", Need::optional, TextField{3, 4}},
                 {"holder", "The name on it.", Need::optional, TextField{0, 120}}});
    return shape;
}

base::Result<Card> card_of(std::string_view json, run::Time now) {
    const auto values = TRY(card_shape().read_json(json));
    Card card{.month = values.number("month"),
              .year = values.number("year"),
              .cvc = values.text("cvc"),
              .holder = values.text("holder")};
    std::vector<kit::FieldProblem> problems;
    for (const char c : values.text("number")) {
        if (is_digit(c)) card.number += c;
        if (!is_digit(c) && c != ' ' && c != '-') card.number += 'x';
    }
    const bool digits = std::ranges::all_of(card.number, is_digit);
    if (!digits || card.number.size() < 12 || card.number.size() > 19) {
        problems.push_back({"card.number", "must have 12 to 19 digits"});
    } else if (!luhn_holds(card.number)) {
        problems.push_back({"card.number", "is no card number: its check digit is wrong"});
    }
    if (expired(card.month, card.year, now)) problems.push_back({"card.year", "the card has expired"});
    if (!std::ranges::all_of(card.cvc, is_digit)) problems.push_back({"card.cvc", "must be digits"});
    if (!problems.empty()) return std::unexpected(kit::invalid_fields(std::move(problems)));
    return card;
}

bool luhn_holds(std::string_view digits) {
    int sum = 0;
    bool twice = false;
    for (auto at = digits.rbegin(); at != digits.rend(); ++at, twice = !twice) {
        const int digit = *at - '0';
        const int counted = twice ? digit * 2 : digit;
        sum += counted > 9 ? counted - 9 : counted;
    }
    return sum % 10 == 0;
}

}  // namespace payments
