// Writes the tables as constant-initialized C++: they stand in the program's read-only pages and cost no time at start.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "surface.h"

namespace kindgen {
namespace {

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + '"';
}

/// Writes each list of strings once and names it.
class StringLists {
 public:
    std::string name(const std::vector<std::string>& list) {
        if (list.empty()) return "{}";
        const auto [place, fresh] = names_.emplace(list, fmt::format("strings_{}", names_.size()));
        if (fresh) {
            std::vector<std::string> items;
            for (const auto& item : list) items.push_back(quoted(item));
            text_ += fmt::format("constexpr std::string_view {}[] = {{{}}};\n", place->second, fmt::join(items, ", "));
        }
        return place->second;
    }
    const std::string& text() const { return text_; }

 private:
    std::map<std::vector<std::string>, std::string> names_;
    std::string text_;
};

struct Places {
    std::map<std::string, std::size_t> of_message;  ///< full name -> index
    StringLists lists;
};

std::string field_text(const FieldText& field, Places& places) {
    auto out = fmt::format("    {{.name = {}, .wire_name = {}, .number = {}, .type = Type::{}", quoted(field.name),
                           quoted(field.wire_name), field.number, field.type);
    const auto add = [&](bool wanted, const std::string& text) { out += wanted ? ", " + text : ""; };
    add(field.shape != "single", ".shape = Shape::" + field.shape);
    add(field.presence != "omit_empty", ".presence = Presence::" + field.presence);
    add(field.inlined, ".inlined = true");
    add(field.optional, ".optional = true");
    add(field.atomic_map, ".atomic_map = true");
    add(field.granular, ".granular = true");
    add(field.list_type != "atomic", ".list_type = ListType::" + field.list_type);
    add(!field.list_keys.empty(), ".list_keys = " + places.lists.name(field.list_keys));
    add(field.merge, ".patch_merge = true");
    add(field.retain_keys, ".patch_retain_keys = true");
    add(!field.merge_key.empty(), ".patch_merge_key = " + quoted(field.merge_key));
    add(!field.values.empty(), ".values = " + places.lists.name(field.values));
    add(!field.default_json.empty(), ".default_json = " + quoted(field.default_json));
    add(!field.gate.empty(), ".gate = " + quoted(field.gate));
    if (!field.message.empty()) out += fmt::format(", .message = &messages[{}]", places.of_message.at(field.message));
    return out + "},\n";
}

std::string form_of(const MessageText& message) {
    if (message.name == "JSONSchemaPropsOrArray") return "or_list";
    if (message.name == "JSONSchemaPropsOrBool") return "or_bool";
    if (message.name == "JSONSchemaPropsOrStringArray") return "or_strings";
    return "fields";
}

std::string messages_text(const Surface& surface, Places& places) {
    std::string fields, table, pointers;
    for (std::size_t i = 0; i < surface.messages.size(); ++i) {
        const auto& message = surface.messages[i];
        std::string span = "{}";
        if (!message.fields.empty()) {
            span = fmt::format("fields_{}", i);
            fields += fmt::format("constexpr Field {}[] = {{\n", span);
            for (const auto& field : message.fields) fields += field_text(field, places);
            fields += "};\n";
        }
        table += fmt::format(
            "    {{.name = {}, .group = {}, .fields = {}, .atomic = {}, .typed = {}, .form = Form::{}}},\n",
            quoted(message.name), quoted(message.group), span, message.atomic, message.typed, form_of(message));
        pointers += fmt::format("    &messages[{}],\n", i);
    }
    const auto count = surface.messages.size();
    return fmt::format(
        "extern const Message messages[{0}];\n{1}constinit const Message messages[{0}] = {{\n{2}}};\n"
        "constexpr const Message* message_list[] = {{\n{3}}};\n",
        count, fields, table, pointers);
}

std::string subresources_text(const KindText& kind, std::size_t index, Places& places) {
    if (kind.subresources.empty()) return "";
    auto out = fmt::format("constexpr Subresource subresources_{}[] = {{\n", index);
    for (const auto& sub : kind.subresources)
        out +=
            fmt::format("    {{.name = {}, .kind = {}, .group = {}, .version = {}, .verbs = {}}},\n", quoted(sub.name),
                        quoted(sub.kind), quoted(sub.group), quoted(sub.version), places.lists.name(sub.verbs));
    return out + "};\n";
}

std::string columns_text(const KindText& kind, std::size_t index) {
    if (kind.columns.empty()) return "";
    auto out = fmt::format("constexpr Column columns_{}[] = {{\n", index);
    for (const auto& column : kind.columns)
        out += fmt::format("    {{.name = {}, .type = {}, .format = {}, .priority = {}}},\n", quoted(column.name),
                           quoted(column.type), quoted(column.format), column.wide ? 1 : 0);
    return out + "};\n";
}

std::string kind_text(const KindText& kind, std::size_t index, Places& places) {
    const auto numbered = [&](bool any, std::string_view name) {
        return any ? fmt::format("{}_{}", name, index) : std::string("{}");
    };
    auto& lists = places.lists;
    return fmt::format(
        "    {{.group = {}, .version = {}, .kind = {}, .plural = {}, .singular = {}, .list_kind = {}, .scope = "
        "Scope::{}, "
        ".short_names = {}, .categories = {}, .verbs = {}, .subresources = {}, .field_selectors = {}, .columns = {}, "
        ".message = &messages[{}], .has_generation = {}}},\n",
        quoted(kind.group), quoted(kind.version), quoted(kind.kind), quoted(kind.plural), quoted(kind.singular),
        quoted(kind.kind + "List"), kind.namespaced ? "namespaced" : "cluster", lists.name(kind.short_names),
        lists.name(kind.categories), lists.name(kind.verbs), numbered(!kind.subresources.empty(), "subresources"),
        lists.name(kind.selectable), numbered(!kind.columns.empty(), "columns"), places.of_message.at(kind.message),
        kind.generation);
}

/// Indexes into `kinds`, sorted as registry.cpp searches them.
template <class Key>
std::string order_text(const Surface& surface, std::string_view name, Key key) {
    std::vector<std::size_t> order(surface.kinds.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::sort(order, {}, [&](std::size_t i) { return key(surface.kinds[i]); });
    return fmt::format("constexpr std::uint16_t {}[] = {{{}}};\n", name, fmt::join(order, ", "));
}

}  // namespace

std::string write_tables(const Surface& surface) {
    Places places;
    for (std::size_t i = 0; i < surface.messages.size(); ++i) places.of_message[surface.messages[i].full_name()] = i;
    const auto messages = messages_text(surface, places);
    std::string parts, kinds;
    for (std::size_t i = 0; i < surface.kinds.size(); ++i) {
        parts += subresources_text(surface.kinds[i], i, places) + columns_text(surface.kinds[i], i);
        kinds += kind_text(surface.kinds[i], i, places);
    }
    return fmt::format(
        "// The kind tables, made by kindgen from kinds/*.yaml.\n#include \"kinds/tables.h\"\n\n"
        "namespace kinds::tables {{\nusing namespace object;\nnamespace {{\n{}}}\n{}namespace {{\n{}"
        "constexpr Kind kind_list[] = {{\n{}}};\n{}{}}}\n\n"
        "std::span<const Kind> kinds() {{ return kind_list; }}\n"
        "std::span<const Message* const> messages_by_name() {{ return message_list; }}\n"
        "std::span<const std::uint16_t> kinds_by_resource() {{ return by_resource; }}\n"
        "std::span<const std::uint16_t> kinds_by_kind() {{ return by_kind; }}\n}}  // namespace kinds::tables\n",
        places.lists.text(), messages, parts, kinds,
        order_text(surface, "by_resource", [](const KindText& k) { return std::tuple(k.group, k.version, k.plural); }),
        order_text(surface, "by_kind", [](const KindText& k) { return std::tuple(k.group, k.version, k.kind); }));
}

}  // namespace kindgen
