#include "kit/web/shape.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "kit/problem.h"
#include "kit/web/frames.h"
#include "kit/whole.h"

namespace kit {
namespace {

namespace json = boost::json;

/// A value, or what is wrong with it.
using Checked = std::variant<FieldValue, std::string>;

std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r\n");
    return first == std::string_view::npos ? std::string_view{}
                                           : text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

Checked check(const TextField& type, std::string_view raw) {
    const auto text = type.spaces == Spaces::kept ? raw : trimmed(raw);
    if (characters(text) > type.length_max)
        return "must have at most " + std::to_string(type.length_max) + " characters";
    if (characters(text) < type.length_min) return std::string(text.empty() ? "must not be empty" : "is too short");
    if (text.find('\0') != std::string_view::npos) return std::string("must not hold the NUL character");
    if (!is_utf8(text)) return std::string("must be UTF-8");
    return FieldValue(std::string(text));
}

Checked check(const NumberField& type, std::optional<std::int64_t> number) {
    if (!number) return std::string("must be a whole number");
    if (*number < type.least || *number > type.most) {
        return "must be from " + std::to_string(type.least) + " to " + std::to_string(type.most);
    }
    return FieldValue(*number);
}

Checked check(const DecimalField& type, std::optional<Decimal> number) {
    if (!number) return std::string("must be a number with at most two digits after the point");
    if (*number < type.least || *number > type.most)
        return "must be from " + type.least.text() + " to " + type.most.text();
    return FieldValue(*number);
}

std::optional<std::int64_t> whole(const json::value& value) {
    if (value.is_int64()) return value.get_int64();
    if (value.is_double()) {  // 2024.0 is a whole number in JSON Schema
        const double number = value.get_double();
        if (number >= -9e15 && number <= 9e15 && number == static_cast<double>(static_cast<std::int64_t>(number))) {
            return static_cast<std::int64_t>(number);
        }
    }
    return std::nullopt;
}

std::optional<Decimal> decimal(const json::value& value) {
    if (value.is_string()) return Decimal::parse({value.get_string().data(), value.get_string().size()});
    if (value.is_int64()) return Decimal::parse(std::to_string(value.get_int64()));
    if (value.is_double()) return Decimal::from_double(value.get_double());
    return std::nullopt;
}

/// The checked object as text, or the fields at fault with where they stand: "card.number".
base::Result<FieldValue> check_object(const Field& field, const ObjectField& type, const json::value& value) {
    auto text = json::serialize(value);
    const auto values = type.shape->read_json(text);
    if (values) return FieldValue(std::move(text));
    std::vector<FieldProblem> problems;
    if (values.error().details) {
        for (const auto& cause : values.error().details->causes) {
            problems.push_back({fmt::format("{}.{}", field.name, cause.field), cause.message});
        }
    }
    if (problems.empty()) problems.push_back({field.name, "must be a JSON object"});
    return std::unexpected(invalid_fields(std::move(problems)));
}

Checked check(const ChoiceField& type, std::string_view text) {
    if (std::ranges::find(type.among, text) != type.among.end()) return FieldValue(std::string(text));
    return fmt::format("must be one of {}", fmt::join(type.among, ", "));
}

Checked check(const ChoicesField& type, const json::value& value) {
    if (!value.is_array()) return std::string("must be a list");
    std::vector<std::string> chosen;
    for (const auto& one : value.get_array()) {
        const auto word = one.is_string() ? std::string(one.get_string()) : std::string();
        if (std::ranges::find(type.among, word) == type.among.end())
            return fmt::format("may only hold {}", fmt::join(type.among, ", "));
        if (std::ranges::find(chosen, word) != chosen.end()) return fmt::format("holds {} twice", word);
        chosen.push_back(word);
    }
    if (chosen.size() < type.least) return fmt::format("must hold at least {}", type.least);
    return FieldValue(fmt::format("{}", fmt::join(chosen, ",")));
}

Checked check_json(const Field& field, const json::value& value) {
    if (const auto* choices = std::get_if<ChoicesField>(&field.type)) return check(*choices, value);
    if (const auto* number = std::get_if<NumberField>(&field.type)) return check(*number, whole(value));
    if (const auto* money = std::get_if<DecimalField>(&field.type)) return check(*money, decimal(value));
    if (const auto* choice = std::get_if<ChoiceField>(&field.type))
        return check(*choice, value.is_string() ? std::string_view(value.get_string()) : std::string_view{});
    const auto& type = std::get<TextField>(field.type);
    if (type.numbers == Numbers::taken_as_text && value.is_int64()) return check(type, json::serialize(value));
    if (!value.is_string()) return std::string("must be text");
    return check(type, {value.get_string().data(), value.get_string().size()});
}

Checked check_text(const Field& field, std::string_view text) {
    if (const auto* number = std::get_if<NumberField>(&field.type)) return check(*number, kit::whole(trimmed(text)));
    if (const auto* money = std::get_if<DecimalField>(&field.type)) return check(*money, Decimal::parse(trimmed(text)));
    if (const auto* choice = std::get_if<ChoiceField>(&field.type)) return check(*choice, trimmed(text));
    const auto* simple = std::get_if<TextField>(&field.type);
    if (!simple) return std::string("can only be sent as JSON");
    return check(*simple, text);
}

json::array list_of(const std::vector<std::string>& words) { return json::array(words.begin(), words.end()); }

/// Goes through the fields; `given` gives the checked value of one, or nothing when it was not sent.
template <class Given>
base::Result<Values> read(const std::vector<Field>& fields, const std::vector<std::string>& one_of,
                          std::vector<FieldProblem> problems, Given given) {
    Values values;
    bool any = one_of.empty();
    for (const auto& field : fields) {
        std::optional<Checked> checked = given(field);
        any = any || (checked && std::ranges::find(one_of, field.name) != one_of.end());
        if (!checked) {
            if (field.need == Need::required) problems.push_back({field.name, "is required"});
        } else if (auto* wrong = std::get_if<std::string>(&*checked)) {
            problems.push_back({field.name, std::move(*wrong)});
        } else {
            values.set(field.name, std::move(std::get<FieldValue>(*checked)));
        }
    }
    if (!any) {
        const std::vector<std::string> others(one_of.begin() + 1, one_of.end());
        problems.push_back({one_of.front(), fmt::format("is required, or {}", fmt::join(others, " or "))});
    }
    if (!problems.empty()) return std::unexpected(invalid_fields(std::move(problems)));
    return values;
}

}  // namespace

std::string Values::text(std::string_view name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::string() : std::get<std::string>(found->second);
}

std::int64_t Values::number(std::string_view name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? 0 : std::get<std::int64_t>(found->second);
}

Decimal Values::decimal(std::string_view name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? Decimal() : std::get<Decimal>(found->second);
}

Shape Shape::one_of(std::vector<std::string> names) && {
    one_of_ = std::move(names);
    return std::move(*this);
}

base::Result<Values> Shape::read_json(std::string_view body) const {
    boost::system::error_code error;
    const auto value = json::parse({body.data(), body.size()}, error);
    if (error) return base::fail(base::Code::bad_request, "the body is not JSON: " + error.message());
    if (!value.is_object()) return base::fail(base::Code::bad_request, "the body must be a JSON object");
    std::vector<FieldProblem> problems;
    for (const auto& member : value.get_object()) {
        const std::string name(member.key().data(), member.key().size());
        if (std::ranges::find(read_only_, name) != read_only_.end()) continue;
        if (std::ranges::find(fields_, name, &Field::name) == fields_.end())
            problems.push_back({name, "is not a field here"});
    }
    std::map<std::string, FieldValue> objects;
    for (const auto& field : fields_) {
        const auto* type = std::get_if<ObjectField>(&field.type);
        const auto* found = type ? value.get_object().if_contains(field.name) : nullptr;
        if (!found || (found->is_null() && field.need == Need::optional)) continue;
        auto object = check_object(field, *type, *found);
        if (object) {
            objects.emplace(field.name, std::move(*object));
            continue;
        }
        for (const auto& cause : object.error().details->causes) problems.push_back({cause.field, cause.message});
        objects.emplace(field.name, std::string());  // given, and its faults are told
    }
    return read(fields_, one_of_, std::move(problems), [&](const Field& field) -> std::optional<Checked> {
        if (const auto object = objects.find(field.name); object != objects.end()) return object->second;
        const auto* found = value.get_object().if_contains(field.name);
        if (!found || std::holds_alternative<ObjectField>(field.type)) return std::nullopt;
        if (found->is_null() && field.need == Need::optional) return std::nullopt;
        return check_json(field, *found);
    });
}

base::Result<Values> Shape::read_form(const std::vector<std::pair<std::string, std::string>>& pairs) const {
    return read(fields_, one_of_, {}, [&](const Field& field) -> std::optional<Checked> {
        const auto found = std::ranges::find(pairs, field.name, &std::pair<std::string, std::string>::first);
        if (found == pairs.end() || (trimmed(found->second).empty())) return std::nullopt;
        return check_text(field, found->second);
    });
}

json::object Shape::schema() const {
    json::object properties;
    json::array required;
    for (const auto& field : fields_) {
        json::object one{{"description", field.prose}};
        if (const auto* text = std::get_if<TextField>(&field.type)) {
            one["type"] = "string";
            if (text->numbers == Numbers::taken_as_text) one["type"] = json::array{"string", "integer"};
            one["minLength"] = text->length_min;
            one["maxLength"] = text->length_max;
        } else if (const auto* number = std::get_if<NumberField>(&field.type)) {
            one["type"] = "integer";
            one["minimum"] = number->least;
            one["maximum"] = number->most;
        } else if (const auto* object = std::get_if<ObjectField>(&field.type)) {
            for (auto& [name, value] : object->shape->schema()) one[name] = std::move(value);
        } else if (const auto* choice = std::get_if<ChoiceField>(&field.type)) {
            one["type"] = "string";
            one["enum"] = list_of(choice->among);
        } else if (const auto* choices = std::get_if<ChoicesField>(&field.type)) {
            one["type"] = "array";
            one["items"] = {{"type", "string"}, {"enum", list_of(choices->among)}};
            one["uniqueItems"] = true;
            one["minItems"] = choices->least;
        } else {
            const auto& money = std::get<DecimalField>(field.type);
            one["type"] = "number";
            one["minimum"] = static_cast<double>(money.least.hundredths()) / 100;
            one["maximum"] = static_cast<double>(money.most.hundredths()) / 100;
            one["multipleOf"] = 0.01;
        }
        properties[field.name] = std::move(one);
        if (field.need == Need::required) required.emplace_back(field.name);
    }
    json::object schema{{"type", "object"},
                        {"properties", std::move(properties)},
                        {"required", std::move(required)},
                        {"additionalProperties", false}};
    if (!one_of_.empty()) {
        json::array ways;
        for (const auto& name : one_of_) ways.push_back(json::object{{"required", json::array{name}}});
        schema["anyOf"] = std::move(ways);
    }
    return schema;
}

}  // namespace kit
