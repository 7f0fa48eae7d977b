#include "server/openapi_paths.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "kinds/registry.h"

namespace server {

using object::Kind;

namespace {

enum class Takes : std::uint8_t { nothing, object, patch, options };

struct Operation {
    std::string_view verb;    ///< the kind must have it
    std::string_view method;  ///< in the document
    std::string_view action;  ///< x-kubernetes-action
    std::string_view name;    ///< operationId's first word
    Takes takes = Takes::nothing;
};

constexpr std::array collection_operations{
    Operation{"list", "get", "list", "list"},
    Operation{"create", "post", "post", "create", Takes::object},
    Operation{"deletecollection", "delete", "deletecollection", "deleteCollection", Takes::options},
};
constexpr std::array item_operations{
    Operation{"get", "get", "get", "read"},
    Operation{"update", "put", "put", "replace", Takes::object},
    Operation{"patch", "patch", "patch", "patch", Takes::patch},
    Operation{"delete", "delete", "delete", "delete", Takes::options},
};

constexpr std::array<std::string_view, 4> patch_types{"application/apply-patch+yaml", "application/json-patch+json",
                                                      "application/merge-patch+json",
                                                      "application/strategic-merge-patch+json"};
constexpr std::array<std::string_view, 3> answer_types{"application/json", "application/vnd.kubernetes.protobuf",
                                                       "application/yaml"};

/// Where operations stand and what they are about.
struct Spot {
    const Kind& kind;
    Dialect dialect;
    std::string schema;       ///< of the object taken and given
    std::string list_schema;  ///< given by lists
    std::string suffix;       ///< of the operationId
    bool item = false;
};

json::object parameter(const Spot& spot, std::string_view name, std::string_view in, std::string_view type) {
    json::object out{{"name", name}, {"in", in}};
    if (in == "path") out["required"] = true;
    if (spot.dialect == Dialect::v2)
        out["type"] = type;
    else
        out["schema"] = json::object{{"type", type}, {"uniqueItems", true}};
    if (spot.dialect == Dialect::v2) out["uniqueItems"] = true;
    return out;
}

json::array query_parameters(const Spot& spot, const Operation& operation) {
    json::array out;
    const auto add = [&](std::string_view name, std::string_view type) {
        out.push_back(parameter(spot, name, "query", type));
    };
    if (operation.verb == "list") {
        for (const auto* name :
             {"continue", "fieldSelector", "labelSelector", "resourceVersion", "resourceVersionMatch"})
            add(name, "string");
        for (const auto* name : {"allowWatchBookmarks", "sendInitialEvents", "watch"}) add(name, "boolean");
        for (const auto* name : {"limit", "timeoutSeconds"}) add(name, "integer");
    }
    if (operation.takes == Takes::nothing) return out;
    add("dryRun", "string");
    if (operation.takes == Takes::options) {
        add("gracePeriodSeconds", "integer");
        add("orphanDependents", "boolean");
        add("propagationPolicy", "string");
        return out;
    }
    add("fieldManager", "string");
    add("fieldValidation", "string");
    if (operation.takes == Takes::patch) add("force", "boolean");
    return out;
}

json::object content(const Spot& spot, std::span<const std::string_view> types, std::string_view schema) {
    json::object out;
    for (const auto type : types) out[type] = json::object{{"schema", reference(spot.dialect, schema)}};
    return out;
}

std::string taken_schema(const Spot& spot, const Operation& operation) {
    if (operation.takes == Takes::patch) return "io.k8s.apimachinery.pkg.apis.meta.v1.Patch";
    if (operation.takes == Takes::options) return "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions";
    return spot.schema;
}

void add_body(json::object& out, const Spot& spot, const Operation& operation) {
    if (operation.takes == Takes::nothing) return;
    constexpr std::array<std::string_view, 1> any{"*/*"};
    const std::span<const std::string_view> types =
        operation.takes == Takes::patch ? std::span<const std::string_view>(patch_types) : any;
    const auto schema = taken_schema(spot, operation);
    if (spot.dialect == Dialect::v3) {
        out["requestBody"] = json::object{{"content", content(spot, types, schema)}};
        if (operation.takes != Takes::options) out["requestBody"].as_object()["required"] = true;
        return;
    }
    json::array consumes;
    for (const auto type : types) consumes.emplace_back(type);
    out["consumes"] = std::move(consumes);
    object::list(out, "parameters")
        .push_back(json::object{
            {"name", "body"}, {"in", "body"}, {"required", true}, {"schema", reference(spot.dialect, schema)}});
}

json::object responses(const Spot& spot, const Operation& operation) {
    const auto given = operation.takes == Takes::options ? std::string("io.k8s.apimachinery.pkg.apis.meta.v1.Status")
                       : operation.verb == "list"        ? spot.list_schema
                                                         : spot.schema;
    json::object out;
    const auto add = [&](std::string_view code, std::string_view said) {
        json::object answer{{"description", said}};
        if (spot.dialect == Dialect::v3)
            answer["content"] = content(spot, answer_types, given);
        else
            answer["schema"] = reference(spot.dialect, given);
        out[code] = std::move(answer);
    };
    add("200", "OK");
    if (operation.takes == Takes::object || operation.takes == Takes::patch) add("201", "Created");
    if (operation.verb == "create" || operation.verb == "delete") add("202", "Accepted");
    out["401"] = json::object{{"description", "Unauthorized"}};
    return out;
}

json::object described(const Spot& spot, const Operation& operation) {
    const auto& kind = spot.kind;
    json::object out{
        {"tags", json::array{fmt::format("{}_{}", kind.group.empty() ? "core" : kind.group, kind.version)}},
        {"operationId",
         fmt::format("{}{}{}{}", operation.name, pascal_group(kind.group), pascal(kind.version), spot.suffix)}};
    if (auto query = query_parameters(spot, operation); !query.empty()) out["parameters"] = std::move(query);
    add_body(out, spot, operation);
    if (spot.dialect == Dialect::v2)
        out["produces"] = json::array{"application/json", "application/yaml", "application/vnd.kubernetes.protobuf"};
    out["responses"] = responses(spot, operation);
    out["x-kubernetes-action"] = operation.action;
    out["x-kubernetes-group-version-kind"] =
        json::object{{"group", kind.group}, {"kind", kind.kind}, {"version", kind.version}};
    return out;
}

bool has(std::span<const std::string_view> verbs, std::string_view verb) {
    return std::ranges::find(verbs, verb) != verbs.end();
}

void add_spot(json::object& paths, const std::string& path, const Spot& spot, std::span<const Operation> operations,
              std::span<const std::string_view> verbs) {
    json::object out;
    for (const auto& operation : operations)
        if (has(verbs, operation.verb)) out[operation.method] = described(spot, operation);
    if (out.empty()) return;
    json::array parameters;
    if (spot.item) parameters.push_back(parameter(spot, "name", "path", "string"));
    if (path.find("{namespace}") != path.npos) parameters.push_back(parameter(spot, "namespace", "path", "string"));
    parameters.push_back(parameter(spot, "pretty", "query", "string"));
    out["parameters"] = std::move(parameters);
    paths[path] = std::move(out);
}

}  // namespace

std::string pascal(std::string_view word) {
    std::string out(word);
    if (!out.empty()) out[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(out[0])));
    return out;
}

/// rbac.authorization.k8s.io -> RbacAuthorization, apps -> Apps.
std::string pascal_group(std::string_view group) {
    if (group.empty()) return "Core";
    if (group.ends_with(".k8s.io")) group.remove_suffix(7);
    std::string out;
    while (!group.empty()) {
        const auto dot = std::min(group.find('.'), group.size());
        out += pascal(group.substr(0, dot));
        group.remove_prefix(std::min(dot + 1, group.size()));
    }
    return out;
}

void add_paths(json::object& paths, const Kind& kind, Dialect dialect) {
    if (!kind.message) return;
    const auto root = kind.group.empty() ? fmt::format("/api/{}", kind.version)
                                         : fmt::format("/apis/{}/{}", kind.group, kind.version);
    const auto* list = kinds::message(kind.message->group, kind.list_kind);
    Spot spot{.kind = kind,
              .dialect = dialect,
              .schema = schema_name(*kind.message),
              .list_schema = list ? schema_name(*list) : schema_name(*kind.message),
              .suffix = fmt::format("{}{}", kind.namespaced() ? "Namespaced" : "", kind.kind)};
    const auto collection = kind.namespaced() ? fmt::format("{}/namespaces/{{namespace}}/{}", root, kind.plural)
                                              : fmt::format("{}/{}", root, kind.plural);
    add_spot(paths, collection, spot, collection_operations, kind.verbs);
    if (kind.namespaced() && has(kind.verbs, "list")) {
        auto everywhere = spot;
        everywhere.suffix = fmt::format("{}ForAllNamespaces", kind.kind);
        add_spot(paths, fmt::format("{}/{}", root, kind.plural), everywhere, std::span(collection_operations).first(1),
                 kind.verbs);
    }
    spot.item = true;
    const auto suffix = spot.suffix;
    add_spot(paths, collection + "/{name}", spot, item_operations, kind.verbs);
    for (const auto& sub : kind.subresources) {
        const auto* message = answer_message(kind, sub);
        if (!message) continue;
        spot.schema = schema_name(*message);
        spot.suffix = suffix + pascal(sub.name);
        add_spot(paths, fmt::format("{}/{{name}}/{}", collection, sub.name), spot, item_operations, sub.verbs);
    }
}

void add_plain_path(json::object& paths, std::string_view path, std::string_view operation_id) {
    const json::object ok{{"200", json::object{{"description", "OK"}}},
                          {"401", json::object{{"description", "Unauthorized"}}}};
    paths[path] = json::object{{"get", json::object{{"operationId", operation_id}, {"responses", ok}}}};
}

}  // namespace server
