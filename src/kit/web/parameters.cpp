#include "kit/web/parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>

#include "kit/http/server.h"
#include "kit/web/frames.h"

namespace kit {
namespace {

namespace json = boost::json;

std::optional<double> number_at(const json::object& schema, std::string_view name) {
    const auto* found = schema.if_contains(name);
    return found && found->is_number() ? std::optional(found->to_number<double>()) : std::nullopt;
}

std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words) text += text.empty() ? word : ", " + word;
    return text;
}

}  // namespace

ParameterRule::ParameterRule(std::string name, std::string_view schema) : name_(std::move(name)) {
    boost::system::error_code error;
    const auto value = json::parse({schema.data(), schema.size()}, error);
    base::check(!error && value.is_object(), "a parameter's schema is a JSON object");
    const auto& object = value.get_object();
    const auto* type = object.if_contains("type");
    if (type && type->is_string()) {
        const std::string_view said(type->get_string());
        type_ = said == "integer"   ? Type::whole
                : said == "number"  ? Type::number
                : said == "boolean" ? Type::truth
                                    : Type::text;
    }
    least_ = number_at(object, "minimum");
    most_ = number_at(object, "maximum");
    length_min_ = static_cast<std::size_t>(number_at(object, "minLength").value_or(0));
    if (const auto most = number_at(object, "maxLength")) length_max_ = static_cast<std::size_t>(*most);
    const auto* among = object.if_contains("enum");
    if (!among || !among->is_array()) return;
    for (const auto& word : among->get_array()) {
        if (word.is_string()) among_.emplace_back(word.get_string());
    }
}

std::optional<std::string> ParameterRule::wrong(const std::string& text) const {
    if (text.empty()) return std::nullopt;
    switch (type_) {
        case Type::whole:
        case Type::number:
            return wrong_number(text);
        case Type::truth:
            return text == "true" || text == "false" ? std::nullopt
                                                     : std::optional<std::string>("must be true or false");
        case Type::text:
            break;
    }
    return wrong_text(text);
}

std::optional<std::string> ParameterRule::wrong_text(std::string_view text) const {
    if (!among_.empty() && std::ranges::find(among_, text) == among_.end())
        return fmt::format("must be one of {}", joined(among_));
    if (!is_utf8(text)) return "must be UTF-8";
    if (text.find('\0') != std::string_view::npos) return "must not hold the NUL character";
    const auto length = characters(text);
    if (length < length_min_) return fmt::format("must have at least {} characters", length_min_);
    if (length_max_ && length > *length_max_) return fmt::format("must have at most {} characters", *length_max_);
    return std::nullopt;
}

std::optional<std::string> ParameterRule::wrong_number(const std::string& text) const {
    const auto* end = text.data() + text.size();
    double number = 0;
    std::int64_t whole = 0;
    const auto read = type_ == Type::whole ? std::from_chars(text.data(), end, whole)
                                           : std::from_chars(text.data(), end, number, std::chars_format::fixed);
    if (type_ == Type::whole) number = static_cast<double>(whole);
    const bool fits =
        read.ec == std::errc{} && read.ptr == end && (!least_ || number >= *least_) && (!most_ || number <= *most_);
    if (fits) return std::nullopt;
    std::string told = type_ == Type::whole ? "must be a whole number" : "must be a number";
    if (least_) told += fmt::format(" from {:.15g}", *least_);
    if (most_) told += fmt::format(" to {:.15g}", *most_);
    return told;
}

std::optional<base::Error> check_query(const std::vector<ParameterRule>& rules, std::string_view query) {
    if (rules.empty() || query.empty()) return std::nullopt;
    std::vector<FieldProblem> problems;
    for (const auto& [name, value] : http::parse_query(query)) {
        const auto rule = std::ranges::find(rules, name, &ParameterRule::name);
        if (rule == rules.end()) continue;
        if (auto wrong = rule->wrong(value)) problems.push_back({name, std::move(*wrong)});
    }
    if (problems.empty()) return std::nullopt;
    return invalid_fields(std::move(problems));
}

}  // namespace kit
