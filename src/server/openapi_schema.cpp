#include "server/openapi_schema.h"

#include <fmt/format.h>

#include "kinds/registry.h"
#include "server/zero.h"

namespace server {

using object::Field;
using object::Kind;
using object::ListType;
using object::Message;
using object::Shape;
using object::Type;

namespace {

constexpr std::string_view meta_prefix = "io.k8s.apimachinery.pkg.apis.meta.v1.";

std::string package_of(std::string_view group) {
    const auto slash = group.find('/');
    const auto file = group.substr(0, slash);
    const auto version = group.substr(slash + 1);
    if (file == "meta") return fmt::format("io.k8s.apimachinery.pkg.apis.meta.{}", version);
    if (file == "apiextensions")
        return fmt::format("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.{}", version);
    if (file == "apiregistration") return fmt::format("io.k8s.kube-aggregator.pkg.apis.apiregistration.{}", version);
    if (file == "metrics") return fmt::format("io.k8s.metrics.pkg.apis.metrics.{}", version);
    return fmt::format("io.k8s.api.{}.{}", file, version);
}

json::object typed(std::string_view type, std::string_view format = {}) {
    json::object out{{"type", type}};
    if (!format.empty()) out["format"] = format;
    return out;
}

json::object either(std::string_view one, std::string_view other, std::string_view format) {
    json::object out;
    if (!format.empty()) out["format"] = format;
    out["oneOf"] = json::array{typed(one), typed(other)};
    return out;
}

json::array strings(std::span<const std::string_view> values) {
    json::array out;
    for (const auto value : values) out.emplace_back(value);
    return out;
}

void add_list_marks(json::object& out, const Field& field) {
    if (field.list_type == ListType::atomic) out["x-kubernetes-list-type"] = "atomic";
    if (field.list_type == ListType::set) out["x-kubernetes-list-type"] = "set";
    if (field.list_type == ListType::map) {
        out["x-kubernetes-list-map-keys"] = strings(field.list_keys);
        out["x-kubernetes-list-type"] = "map";
    }
}

void add_patch_marks(json::object& out, const Field& field) {
    if (!field.patch_merge_key.empty()) out["x-kubernetes-patch-merge-key"] = field.patch_merge_key;
    if (field.patch_merge && field.patch_retain_keys)
        out["x-kubernetes-patch-strategy"] = "merge,retainKeys";
    else if (field.patch_merge)
        out["x-kubernetes-patch-strategy"] = "merge";
    else if (field.patch_retain_keys)
        out["x-kubernetes-patch-strategy"] = "retainKeys";
}

}  // namespace

std::string schema_name(const Message& message) {
    return fmt::format("{}.{}", package_of(message.group), message.name);
}

const Message* answer_message(const Kind& kind, const object::Subresource& sub) {
    if (sub.kind.empty() || sub.kind == kind.kind) return kind.message;
    if (sub.version.empty()) return kinds::message(kind.message->group, sub.kind);
    const auto file = sub.group.substr(0, sub.group.find('.'));
    return kinds::message(fmt::format("{}/{}", file.empty() ? "core" : file, sub.version), sub.kind);
}

json::object reference(Dialect dialect, std::string_view name) {
    return {{"$ref", fmt::format("{}{}", dialect == Dialect::v3 ? "#/components/schemas/" : "#/definitions/", name)}};
}

/// Other keys may stand beside a reference only when it is wrapped, in version 3.
json::object Schemas::refer(std::string_view name) {
    if (dialect_ == Dialect::v2) return reference(dialect_, name);
    return {{"allOf", json::array{reference(dialect_, name)}}};
}

json::object Schemas::scalar(std::string_view name, json::object schema) {
    if (begun_.emplace(name).second) schemas_[name] = std::move(schema);
    return refer(name);
}

json::object Schemas::single(const Field& field) {
    const auto meta = [&](std::string_view name) { return fmt::format("{}{}", meta_prefix, name); };
    const bool three = dialect_ == Dialect::v3;
    switch (field.type) {
        case Type::string:
            return typed("string");
        case Type::int32:
            return typed("integer", "int32");
        case Type::int64:
            return typed("integer", "int64");
        case Type::boolean:
            return typed("boolean");
        case Type::number:
            return typed("number", "double");
        case Type::bytes:
            return typed("string", "byte");
        case Type::quantity:
            return scalar("io.k8s.apimachinery.pkg.api.resource.Quantity",
                          three ? either("string", "number", "") : typed("string"));
        case Type::int_or_string:
            return scalar("io.k8s.apimachinery.pkg.util.intstr.IntOrString",
                          three ? either("integer", "string", "int-or-string") : typed("string", "int-or-string"));
        case Type::time:
            return scalar(meta("Time"), typed("string", "date-time"));
        case Type::micro_time:
            return scalar(meta("MicroTime"), typed("string", "date-time"));
        case Type::duration:
            return scalar(meta("Duration"), typed("string"));
        case Type::fields_v1:
            return scalar(meta("FieldsV1"), typed("object"));
        case Type::raw:
            return scalar("io.k8s.apimachinery.pkg.runtime.RawExtension", typed("object"));
        case Type::string_list:
            return {{"type", "array"}, {"items", typed("string")}};
        case Type::message:
            add(*field.message);
            return refer(schema_name(*field.message));
        default:
            return {};
    }
}

json::object Schemas::property(const Field& field) {
    json::object out;
    if (field.shape == Shape::list) {
        out = {{"type", "array"}, {"items", single(field)}};
        add_list_marks(out, field);
    } else if (field.shape == Shape::map) {
        out = {{"type", "object"}, {"additionalProperties", single(field)}};
        if (field.atomic_map) out["x-kubernetes-map-type"] = "atomic";
    } else {
        out = single(field);
        if (!field.values.empty()) out["enum"] = strings(field.values);
    }
    if (!field.default_json.empty()) {
        boost::system::error_code error;
        auto value = json::parse(field.default_json, error);
        if (!error) out["default"] = std::move(value);
    }
    add_patch_marks(out, field);
    return out;
}

void Schemas::add_fields(const Message& message, json::object& properties, json::array& required) {
    for (const auto& field : message.fields) {
        if (!field.gate.empty()) continue;
        if (field.inlined && field.type == Type::message) {
            add_fields(*field.message, properties, required);
            continue;
        }
        properties[field.name] = property(field);
        const bool demanded = field.presence == object::Presence::always || demanded_pointer(field);
        if (!field.optional && demanded) required.emplace_back(field.name);
    }
}

json::object Schemas::schema(const Message& message) {
    json::object out{{"type", "object"}}, properties;
    json::array required;
    add_fields(message, properties, required);
    if (!required.empty()) out["required"] = std::move(required);
    if (!properties.empty()) out["properties"] = std::move(properties);
    if (message.atomic) out["x-kubernetes-map-type"] = "atomic";
    return out;
}

void Schemas::add(const Message& message) {
    const auto name = schema_name(message);
    if (!begun_.emplace(name).second) return;  // messages may refer to themselves
    auto made = schema(message);
    schemas_[name] = std::move(made);
}

void Schemas::mark_kind(std::string_view name, const Kind& kind, std::string_view kind_name) {
    auto& out = schemas_[name].as_object();
    auto& properties = object::child(out, "properties");
    properties["apiVersion"] = typed("string");
    properties["kind"] = typed("string");
    json::object gvk{{"group", kind.group}, {"kind", kind_name}, {"version", kind.version}};
    auto& marks = object::list(out, "x-kubernetes-group-version-kind");
    for (const auto& mark : marks)
        if (mark == gvk) return;
    marks.push_back(std::move(gvk));
}

void Schemas::add(const Kind& kind) {
    if (!kind.message) return;
    add(*kind.message);
    mark_kind(schema_name(*kind.message), kind, kind.kind);
    const auto* list = kinds::message(kind.message->group, kind.list_kind);
    if (!list) return;
    add(*list);
    mark_kind(schema_name(*list), kind, kind.list_kind);
}

json::object Schemas::take() { return std::move(schemas_); }

}  // namespace server
