#include "server/yaml_text.h"

namespace server {

namespace json = object::json;

namespace {

bool empty(const json::value& value) {
    if (const auto* o = value.if_object()) return o->empty();
    if (const auto* a = value.if_array()) return a->empty();
    return false;
}

bool nested(const json::value& value) { return (value.is_object() || value.is_array()) && !empty(value); }

/// Only words that start with a letter and hold nothing special stay plain; YAML 1.1's words for booleans and null do
/// not.
bool plain(std::string_view text) {
    if (text.empty() || !std::isalpha(static_cast<unsigned char>(text.front()))) return false;
    for (const unsigned char c : text)
        if (!std::isalnum(c) && c != '-' && c != '_' && c != '.' && c != '/') return false;
    for (const std::string_view word :
         {"y",     "Y",     "yes",   "Yes", "YES", "n",  "N",   "no",  "No",  "NO",   "true", "True", "TRUE",
          "false", "False", "FALSE", "on",  "On",  "ON", "off", "Off", "OFF", "null", "Null", "NULL"})
        if (text == word) return false;
    return true;
}

/// A JSON string literal is a YAML double-quoted one.
std::string scalar(const json::value& value) {
    const auto* text = value.if_string();
    return text && plain(*text) ? std::string(*text) : json::serialize(value);
}

std::string key_text(std::string_view key) { return plain(key) ? std::string(key) : json::serialize(json::value(key)); }

void write(std::string& out, const json::value& value, int indent);

void write_object(std::string& out, const json::object& object, int indent) {
    bool first = true;
    for (const auto& [key, value] : object) {
        if (!first) out.append(static_cast<std::size_t>(indent), ' ');
        first = false;
        out += key_text(key) + ":";
        if (nested(value)) {
            const int deeper = value.is_array() ? indent : indent + 2;
            out += "\n" + std::string(static_cast<std::size_t>(deeper), ' ');
            write(out, value, deeper);
        } else {
            out += " " + scalar(value) + "\n";
        }
    }
}

void write_array(std::string& out, const json::array& array, int indent) {
    bool first = true;
    for (const auto& value : array) {
        if (!first) out.append(static_cast<std::size_t>(indent), ' ');
        first = false;
        out += "- ";
        if (nested(value))
            write(out, value, indent + 2);
        else
            out += scalar(value) + "\n";
    }
}

void write(std::string& out, const json::value& value, int indent) {
    if (const auto* object = value.if_object()) return write_object(out, *object, indent);
    write_array(out, value.get_array(), indent);
}

}  // namespace

std::string yaml_text(const json::value& value) {
    if (!nested(value)) return scalar(value) + "\n";
    std::string out;
    write(out, value, 0);
    return out;
}

}  // namespace server
