// /openapi.json from the routes: nothing is described twice.
#include <boost/json.hpp>

#include "kit/http/head.h"
#include "kit/web/router.h"
#include "kit/web/shape.h"

namespace kit {
namespace {

namespace json = boost::json;

json::value schema_of(const std::string& text) {
    boost::system::error_code error;
    auto value = json::parse(text, error);
    base::check(!error, "a route's schema is JSON: " + text);
    return value;
}

json::array parameters_of(const Route& route) {
    json::array parameters;
    for (const auto& segment : route.segments) {
        if (!segment.starts_with('{')) continue;
        parameters.push_back({{"name", segment.substr(1, segment.size() - 2)},
                              {"in", "path"},
                              {"required", true},
                              {"schema", {{"type", "string"}}}});
    }
    for (const auto& [name, prose, schema] : route.parameters) {
        parameters.push_back({{"name", name}, {"in", "query"}, {"description", prose}, {"schema", schema_of(schema)}});
    }
    return parameters;
}

json::object replies_of(const Route& route) {
    json::object replies;
    for (const auto& [status, prose, schema] : route.replies) {
        json::object one{{"description", prose.empty() ? std::string(http::reason_phrase(status)) : prose}};
        if (!schema.empty()) one["content"] = {{"application/json", {{"schema", schema_of(schema)}}}};
        replies[std::to_string(status)] = std::move(one);
    }
    replies["default"] = {
        {"description", "What went wrong, with the fields at fault."},
        {"content", {{"application/problem+json", {{"schema", {{"$ref", "#/components/schemas/Problem"}}}}}}}};
    return replies;
}

json::value problem_schema() {
    return schema_of(R"({"type":"object","required":["type","title","status","detail"],"properties":{
        "type":{"type":"string"},"title":{"type":"string"},"status":{"type":"integer"},"detail":{"type":"string"},
        "errors":{"type":"array","items":{"type":"object","required":["field","message"],"properties":{
            "field":{"type":"string"},"message":{"type":"string"}}}}}})");
}

std::string lowered(std::string text) {
    for (auto& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    return text;
}

}  // namespace

std::string openapi_text(const Router& router, std::string_view title, std::string_view version) {
    json::object paths;
    json::object schemas{{"Problem", problem_schema()}};
    for (const auto& route : router.routes()) {
        if (!route.listed) continue;
        json::object operation{{"summary", route.prose}, {"responses", replies_of(route)}};
        auto parameters = parameters_of(route);
        if (!parameters.empty()) operation["parameters"] = std::move(parameters);
        if (route.body) {
            schemas[route.body->name()] = route.body->schema();
            operation["requestBody"] = {
                {"required", true},
                {"content",
                 {{"application/json", {{"schema", {{"$ref", "#/components/schemas/" + route.body->name()}}}}}}}};
        }
        auto& item = paths[route.pattern];
        if (!item.is_object()) item = json::object();
        item.get_object()[lowered(route.method)] = std::move(operation);
    }
    return json::serialize(json::value{{"openapi", "3.1.0"},
                                       {"info", {{"title", title}, {"version", version}}},
                                       {"paths", std::move(paths)},
                                       {"components", {{"schemas", std::move(schemas)}}}});
}

}  // namespace kit
