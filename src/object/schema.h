// The API surface as values: messages with their fields, and kinds with their names, verbs and columns. Decoding,
// pruning, defaulting, patches, apply, protobuf, OpenAPI, discovery and tables are all derived from these, for
// built-in kinds (tables generated from kinds/) and for custom resources (made at run time) alike.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace object {

enum class Type : std::uint8_t {
    string,
    int32,
    int64,
    boolean,
    number,  ///< double
    bytes,   ///< base64 text in JSON
    quantity,
    int_or_string,
    time,  ///< metav1.Time
    micro_time,
    duration,  ///< metav1.Duration
    fields_v1,
    any,          ///< any JSON value (apiextensions JSON)
    raw,          ///< RawExtension: a JSON object of any kind
    string_list,  ///< ExtraValue, Verbs: JSON list of strings, protobuf message {items}
    message,      ///< a struct: Field::message
};
enum class Shape : std::uint8_t { single, list, map };  ///< map: string keys
enum class ListType : std::uint8_t { atomic, set, map };
enum class Presence : std::uint8_t {
    omit_empty,  ///< a zero value is not written
    pointer,     ///< zero and absent differ
    always,      ///< written even when empty
};

struct Message;

struct Field {
    std::string_view name;       ///< JSON name
    std::string_view wire_name;  ///< protobuf name
    std::uint16_t number = 0;    ///< protobuf field number
    Type type = Type::string;
    Shape shape = Shape::single;
    Presence presence = Presence::omit_empty;
    bool inlined = false;   ///< its fields stand in the parent's JSON, while protobuf nests it
    bool optional = false;  ///< not in OpenAPI's `required`
    bool atomic_map = false;
    bool granular = false;  ///< apply looks into it though its message is atomic
    ListType list_type = ListType::atomic;
    std::span<const std::string_view> list_keys;  ///< of a list of type map
    bool patch_merge = false;                     ///< strategic merge: lists merge instead of replace
    bool patch_retain_keys = false;
    std::string_view patch_merge_key;
    std::span<const std::string_view> values;  ///< closed enumeration, when there is one
    std::string_view default_json;             ///< filled in when absent, as JSON text; "" when there is none
    std::string_view gate;                     ///< feature gate that is off by default at 1.36.2: the field is dropped
    const Message* message = nullptr;          ///< for Type::message
};

/// What a message looks like in JSON: an object of its fields, or one of the schema unions of
/// CustomResourceDefinitions.
enum class Form : std::uint8_t {
    fields,
    or_list,     ///< {schema} as the schema itself, or a list of them
    or_bool,     ///< {schema} as the schema itself, or a boolean
    or_strings,  ///< {schema} as the schema itself, or a list of strings
};

struct Message {
    std::string_view name;   ///< e.g. "PodSpec"
    std::string_view group;  ///< e.g. "core/v1" as in kinds/
    std::span<const Field> fields;
    bool atomic = false;  ///< apply treats the whole struct as one leaf
    bool typed = false;   ///< apiVersion and kind may stand in it
    Form form = Form::fields;
    /// The field of that JSON name, looking into inlined messages; null when there is none.
    const Field* find(std::string_view json_name) const;
};

struct Column {
    std::string_view name;
    std::string_view type;    ///< string, integer, date, ...
    std::string_view format;  ///< "name" or ""
    int priority = 0;         ///< 1: only in wide output
};

struct Subresource {
    std::string_view name;
    std::string_view kind, group, version;  ///< of what it answers
    std::span<const std::string_view> verbs;
};

enum class Scope : std::uint8_t { namespaced, cluster };

struct Kind {
    std::string_view group;  ///< "" for core
    std::string_view version;
    std::string_view kind;
    std::string_view plural;
    std::string_view singular;
    std::string_view list_kind;
    Scope scope = Scope::namespaced;
    std::span<const std::string_view> short_names;
    std::span<const std::string_view> categories;
    std::span<const std::string_view> verbs;
    std::span<const Subresource> subresources;
    std::span<const std::string_view> field_selectors;  ///< beside metadata.name and metadata.namespace
    std::span<const Column> columns;
    const Message* message = nullptr;
    bool has_generation = false;  ///< metadata.generation is kept

    bool namespaced() const { return scope == Scope::namespaced; }
    bool has_subresource(std::string_view name) const;
    bool has_verb(std::string_view verb) const;
    /// "v1" or "apps/v1".
    std::string api_version() const;
    /// "pods" or "deployments.apps", as messages name a resource.
    std::string qualified() const;
};

}  // namespace object
