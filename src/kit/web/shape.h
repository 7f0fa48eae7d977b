// What a JSON object or a form may hold, said once: the check of what comes in and the schema in /openapi.json are
// both made from it.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "kit/decimal.h"

namespace kit {

enum class Numbers : std::uint8_t { refused, taken_as_text };
enum class Spaces : std::uint8_t { trimmed, kept };  ///< those around the text; passwords keep theirs

struct TextField {
    std::size_t length_min = 0;
    std::size_t length_max = 1000;  ///< in Unicode characters
    /// For clients that send ids as text or as numbers.
    Numbers numbers = Numbers::refused;
    Spaces spaces = Spaces::trimmed;
};
struct NumberField {
    std::int64_t least = 0;
    std::int64_t most = 0;
};
struct DecimalField {
    Decimal least;
    Decimal most;
};

/// One of a few words.
struct ChoiceField {
    std::vector<std::string> among;
};
/// A list of such words, each at most once; its value is their text with commas between.
struct ChoicesField {
    std::vector<std::string> among;
    std::size_t least = 0;
};

class Shape;
/// An object within: checked by its own shape, which outlives this one; its value is its JSON text.
struct ObjectField {
    const Shape* shape;
};

enum class Need : std::uint8_t { required, optional };

struct Field {
    std::string name;
    std::string prose;
    Need need = Need::required;
    std::variant<TextField, NumberField, DecimalField, ObjectField, ChoiceField, ChoicesField> type;
};

using FieldValue = std::variant<std::string, std::int64_t, Decimal>;

/// What was given, by field name; optional fields that were not given are not there.
class Values {
 public:
    void set(std::string name, FieldValue value) { values_.insert_or_assign(std::move(name), std::move(value)); }
    bool has(std::string_view name) const { return values_.find(name) != values_.end(); }
    std::string text(std::string_view name) const;
    std::int64_t number(std::string_view name) const;
    Decimal decimal(std::string_view name) const;

 private:
    std::map<std::string, FieldValue, std::less<>> values_;
};

class Shape {
 public:
    /// `read_only` names what the server sets itself: sent back by a client, it is passed over.
    Shape(std::string name, std::vector<Field> fields, std::vector<std::string> read_only = {})
        : name_(std::move(name)), fields_(std::move(fields)), read_only_(std::move(read_only)) {}
    /// At least one of these optional fields must be given.
    Shape one_of(std::vector<std::string> names) &&;
    /// 400 when `body` is no JSON object, 422 naming every field at fault (fields that nobody declared included).
    base::Result<Values> read_json(std::string_view body) const;
    /// The same from a form, in which all is text; other names are not ours and are passed over.
    base::Result<Values> read_form(const std::vector<std::pair<std::string, std::string>>& pairs) const;
    /// JSON Schema.
    boost::json::object schema() const;
    const std::string& name() const { return name_; }
    const std::vector<Field>& fields() const { return fields_; }

 private:
    std::string name_;
    std::vector<Field> fields_;
    std::vector<std::string> read_only_;
    std::vector<std::string> one_of_;
};

}  // namespace kit
