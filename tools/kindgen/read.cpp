// Reads kinds/*.yaml; the format is described in kinds/surface.yaml. Whatever is not understood is an error.
#include <fmt/core.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

#include "surface.h"

namespace kindgen {
namespace {

const std::vector<std::string> all_verbs = {"create", "delete", "deletecollection", "get",
                                            "list",   "patch",  "update",           "watch"};
const std::map<std::string, std::string> scalars = {{"string", "string"},
                                                    {"int32", "int32"},
                                                    {"int64", "int64"},
                                                    {"bool", "boolean"},
                                                    {"number", "number"},
                                                    {"bytes", "bytes"},
                                                    {"time", "time"},
                                                    {"micro-time", "micro_time"},
                                                    {"any", "any"},
                                                    {"quantity", "quantity"},
                                                    {"raw", "raw"},
                                                    {"int-or-string", "int_or_string"},
                                                    {"fields", "fields_v1"},
                                                    {"duration", "duration"},
                                                    {"string[]", "string_list"}};

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
    throw std::runtime_error(where + ": " + what);
}

std::vector<std::string> strings(const YAML::Node& node) {
    std::vector<std::string> out;
    for (const auto& item : node) out.push_back(item.as<std::string>());
    return out;
}

void only_keys(const YAML::Node& node, const std::set<std::string>& known, const std::string& where) {
    for (const auto& entry : node)
        if (!known.contains(entry.first.as<std::string>()))
            refuse(where, "unknown key " + entry.first.as<std::string>());
}

/// Splits at spaces outside parentheses.
std::vector<std::string> words(const std::string& text) {
    std::vector<std::string> out;
    std::string word;
    int depth = 0;
    for (const char c : text) {
        if (c == '(') ++depth;
        if (c == ')') --depth;
        if (c == ' ' && depth == 0) {
            if (!word.empty()) out.push_back(std::move(word));
            word.clear();
        } else {
            word += c;
        }
    }
    if (!word.empty()) out.push_back(std::move(word));
    return out;
}

std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> out(1);
    for (const char c : text) {
        if (c == ',')
            out.emplace_back();
        else
            out.back() += c;
    }
    return out;
}

void read_type(FieldText& field, std::string text, const std::string& group) {
    if (text.starts_with("map(") && text.ends_with(")")) {
        field.shape = "map";
        text = text.substr(4, text.size() - 5);
    } else if (text.ends_with("[]")) {
        field.shape = "list";
        text.resize(text.size() - 2);
    }
    if (const auto scalar = scalars.find(text); scalar != scalars.end()) {
        field.type = scalar->second;
        return;
    }
    field.type = "message";
    field.message = text.find('/') == std::string::npos ? group + "." + text : text;
}

/// One word after number and type: "optional", "keyed(a,b)" ...
bool read_word(FieldText& field, const std::string& word, const std::set<std::string>& gates_off) {
    const auto open = word.find('(');
    const auto name = word.substr(0, open);
    const auto inner = open == std::string::npos ? "" : word.substr(open + 1, word.size() - open - 2);
    if (name == "pointer" || name == "always")
        field.presence = name;
    else if (name == "optional")
        field.optional = true;
    else if (name == "inline")
        field.inlined = true;
    else if (name == "atomic")
        field.atomic_map = true;
    else if (name == "granular")
        field.granular = true;
    else if (name == "retain-keys")
        field.retain_keys = true;
    else if (name == "set")
        field.list_type = "set";
    else if (name == "keyed")
        field.list_type = "map", field.list_keys = split(inner);
    else if (name == "merge")
        field.merge = true, field.merge_key = inner;
    else if (name == "as")
        field.wire_name = inner;
    else if (name == "default")
        field.default_json = inner;
    else if (name == "enum")
        field.values = split(inner);
    else if (name == "gate")
        field.gate = gates_off.contains(inner) ? inner : "";
    else
        return false;
    return true;
}

FieldText read_field(const std::string& name, const std::string& text, const MessageText& message,
                     const std::set<std::string>& gates_off) {
    const auto where = message.full_name() + "." + name;
    const auto parts = words(text);
    if (parts.size() < 2) refuse(where, "a field needs a number and a type");
    FieldText field{.name = name, .wire_name = name, .number = std::stoi(parts[0])};
    read_type(field, parts[1], message.group);
    for (std::size_t i = 2; i < parts.size(); ++i)
        if (!read_word(field, parts[i], gates_off)) refuse(where, "unknown word " + parts[i]);
    return field;
}

MessageText read_message(const std::string& group, const std::string& name, const YAML::Node& node,
                         const std::set<std::string>& gates_off) {
    MessageText message{.group = group, .name = name};
    std::set<int> numbers;
    for (const auto& entry : node) {
        const auto key = entry.first.as<std::string>();
        const auto text = entry.second.as<std::string>();
        if (key == "+") {
            for (const auto& word : words(text)) {
                if (word == "atomic")
                    message.atomic = true;
                else if (word == "typed")
                    message.typed = true;
                else
                    refuse(message.full_name(), "unknown word " + word);
            }
            continue;
        }
        message.fields.push_back(read_field(key, text, message, gates_off));
        const int number = message.fields.back().number;
        if (number != 0 && !numbers.insert(number).second) refuse(message.full_name(), "a number stands twice: " + key);
    }
    return message;
}

void read_subresources(KindText& kind, const YAML::Node& node) {
    for (const auto& entry : node) {
        const auto& body = entry.second;
        kind.subresources.push_back({.name = entry.first.as<std::string>(),
                                     .kind = body["kind"].as<std::string>(kind.kind),
                                     .group = body["group"].as<std::string>(""),
                                     .version = body["version"].as<std::string>(""),
                                     .verbs = strings(body["verbs"])});
    }
}

KindText read_kind(KindText kind, const YAML::Node& node) {
    const auto where = kind.message;
    only_keys(node,
              {"plural", "singular", "scope", "short", "categories", "verbs", "generation", "selectable",
               "subresources", "columns"},
              where);
    std::string lower = kind.kind;
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
    kind.plural = node["plural"].as<std::string>();
    kind.singular = node["singular"].as<std::string>(lower);
    kind.namespaced = node["scope"].as<std::string>("namespaced") == "namespaced";
    kind.generation = node["generation"].as<bool>(false);
    kind.short_names = strings(node["short"]);
    kind.categories = strings(node["categories"]);
    kind.verbs = node["verbs"].IsScalar() ? all_verbs : strings(node["verbs"]);
    kind.selectable = strings(node["selectable"]);
    read_subresources(kind, node["subresources"]);
    for (const auto& column : node["columns"]) {
        only_keys(column, {"name", "type", "format", "wide"}, where);
        kind.columns.push_back({.name = column["name"].as<std::string>(),
                                .type = column["type"].as<std::string>(),
                                .format = column["format"].as<std::string>(""),
                                .wide = column["wide"].as<bool>(false)});
    }
    return kind;
}

void check_references(const Surface& surface) {
    std::set<std::string> known;
    for (const auto& message : surface.messages)
        if (!known.insert(message.full_name()).second) refuse(message.full_name(), "stands twice");
    for (const auto& message : surface.messages)
        for (const auto& field : message.fields)
            if (!field.message.empty() && !known.contains(field.message))
                refuse(message.full_name() + "." + field.name, "no such message: " + field.message);
    for (const auto& kind : surface.kinds)
        if (!known.contains(kind.message)) refuse(kind.message, "a kind without a message");
}

}  // namespace

Surface read_surface(const std::string& folder) {
    Surface surface;
    const auto head = YAML::LoadFile(folder + "/surface.yaml");
    const auto off = strings(head["gates_off"]);
    const std::set<std::string> gates_off(off.begin(), off.end());
    for (const auto& stem : strings(head["order"])) {
        const auto file = YAML::LoadFile(folder + "/" + stem + ".yaml");
        only_keys(file, {"group", "versions"}, stem);
        const auto group = file["group"].as<std::string>("");
        for (const auto& entry : file["versions"]) {
            const auto version = entry.first.as<std::string>();
            const auto messages_group = stem + "/" + version;
            only_keys(entry.second, {"kinds", "messages"}, messages_group);
            for (const auto& kind : entry.second["kinds"]) {
                const auto name = kind.first.as<std::string>();
                KindText text{.group = group, .version = version, .kind = name, .message = messages_group + "." + name};
                surface.kinds.push_back(read_kind(std::move(text), kind.second));
            }
            for (const auto& message : entry.second["messages"])
                surface.messages.push_back(
                    read_message(messages_group, message.first.as<std::string>(), message.second, gates_off));
        }
    }
    std::ranges::sort(surface.messages, {}, [](const MessageText& m) { return std::pair(m.group, m.name); });
    check_references(surface);
    return surface;
}

}  // namespace kindgen
