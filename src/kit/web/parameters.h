// What a query's parameter may hold, made of the schema that /openapi.json shows of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kit/problem.h"

namespace kit {

class ParameterRule {
 public:
    /// Of a JSON Schema: its type, enum, minimum, maximum, minLength and maxLength count; what else it says does not.
    ParameterRule(std::string name, std::string_view schema);
    const std::string& name() const { return name_; }
    /// What is wrong with `text`; nothing is, when it is empty: a form's open field.
    std::optional<std::string> wrong(const std::string& text) const;

 private:
    enum class Type : std::uint8_t { text, whole, number, truth };
    std::optional<std::string> wrong_text(std::string_view text) const;
    std::optional<std::string> wrong_number(const std::string& text) const;

    std::string name_;
    Type type_ = Type::text;
    std::optional<double> least_;
    std::optional<double> most_;
    std::size_t length_min_ = 0;
    std::optional<std::size_t> length_max_;
    std::vector<std::string> among_;
};

/// 422 naming each parameter at fault.
std::optional<base::Error> check_query(const std::vector<ParameterRule>& rules, std::string_view query);

}  // namespace kit
