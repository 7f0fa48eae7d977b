// The API surface as read from kinds/*.yaml, before it becomes tables. Names are kept as written; references between
// messages are resolved to full names ("core/v1.PodSpec").
#pragma once

#include <string>
#include <vector>

namespace kindgen {

struct FieldText {
    std::string name;
    std::string wire_name;
    int number = 0;
    std::string type;     ///< enumerator of object::Type
    std::string message;  ///< full name, for type message
    std::string shape = "single";
    std::string presence = "omit_empty";
    std::string list_type = "atomic";
    std::vector<std::string> list_keys;
    std::vector<std::string> values;
    std::string merge_key;
    std::string gate;
    std::string default_json;
    bool inlined = false;
    bool optional = false;
    bool atomic_map = false;
    bool granular = false;
    bool merge = false;
    bool retain_keys = false;
};

struct MessageText {
    std::string group;  ///< "core/v1"
    std::string name;
    bool atomic = false;
    bool typed = false;
    std::vector<FieldText> fields;
    std::string full_name() const { return group + "." + name; }
};

struct ColumnText {
    std::string name, type, format;
    bool wide = false;
};

struct SubresourceText {
    std::string name, kind, group, version;
    std::vector<std::string> verbs;
};

struct KindText {
    std::string group, version, kind, plural, singular;
    std::string message;  ///< full name
    bool namespaced = true;
    bool generation = false;
    std::vector<std::string> short_names, categories, verbs, selectable;
    std::vector<SubresourceText> subresources;
    std::vector<ColumnText> columns;
};

struct Surface {
    std::vector<KindText> kinds;        ///< in discovery order
    std::vector<MessageText> messages;  ///< sorted by full name
};

/// Reads the folder; ends the program with a message naming file and place when something is wrong there.
Surface read_surface(const std::string& folder);
/// The tables as one C++ source.
std::string write_tables(const Surface& surface);

}  // namespace kindgen
