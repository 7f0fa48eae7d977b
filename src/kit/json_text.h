// Writing JSON as text, straight into a string: for answers and log lines that are made ten thousand times a second.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "kit/decimal.h"

namespace kit {

/// Appends `text` in quotes, escaped; bytes that are not UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

/// Puts commas where they belong. The caller opens and closes in pairs.
class JsonText {
 public:
    explicit JsonText(std::string& out) : out_(out) {}

    JsonText& open(char bracket) { return before(), out_ += bracket, first_ = true, *this; }
    JsonText& close(char bracket) { return out_ += bracket, first_ = false, *this; }
    JsonText& key(std::string_view name) {
        before();
        append_json_string(out_, name);
        out_ += ':';
        first_ = true;
        return *this;
    }
    JsonText& value(std::string_view text) { return before(), append_json_string(out_, text), *this; }
    JsonText& value(const char* text) { return value(std::string_view(text)); }
    JsonText& value(const std::string& text) { return value(std::string_view(text)); }
    JsonText& value(bool truth) { return raw(truth ? "true" : "false"); }
    JsonText& value(double number);
    JsonText& value(Decimal number) { return raw(number.text()); }
    template <std::integral Number>
    JsonText& value(Number number) {
        return raw(std::to_string(number));
    }
    JsonText& null() { return raw("null"); }
    /// JSON that is text already.
    JsonText& raw(std::string_view json) { return before(), out_ += json, *this; }
    template <class Value>
    JsonText& field(std::string_view name, const Value& content) {
        return key(name).value(content);
    }

 private:
    void before() {
        if (!first_) out_ += ',';
        first_ = false;
    }
    std::string& out_;
    bool first_ = true;
};

}  // namespace kit
