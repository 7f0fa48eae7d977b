// /openapi.json from the routes: nothing is described twice.
#include <algorithm>
#include <boost/json.hpp>

#include "kit/auth/identity.h"
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

/// Text unless the route says more of it.
json::array parameters_of(const Route& route) {
    json::array parameters;
    for (const auto& segment : route.segments) {
        if (!segment.starts_with('{')) continue;
        const auto name = segment.substr(1, segment.size() - 2);
        json::object one{{"name", name}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}};
        const auto said = std::ranges::find(route.path_parameters, name, &Parameter::name);
        if (said != route.path_parameters.end()) {
            one["description"] = said->prose;
            one["schema"] = schema_of(said->schema);
        }
        parameters.push_back(std::move(one));
    }
    for (const auto& [name, prose, schema] : route.parameters) {
        parameters.push_back({{"name", name}, {"in", "query"}, {"description", prose}, {"schema", schema_of(schema)}});
    }
    return parameters;
}

json::object problem_reply(std::string_view prose) {
    return {{"description", prose},
            {"content", {{"application/problem+json", {{"schema", {{"$ref", "#/components/schemas/Problem"}}}}}}}};
}

json::object replies_of(const Route& route) {
    json::object replies;
    for (const auto& [status, prose, schema, type] : route.replies) {
        json::object one{{"description", prose.empty() ? std::string(http::reason_phrase(status)) : prose}};
        if (!schema.empty()) one["content"] = {{type, {{"schema", schema_of(schema)}}}};
        if (schema.empty() && status >= 400) one = problem_reply(prose);
        replies[std::to_string(status)] = std::move(one);
    }
    if (route.login == Login::needed) {
        if (!replies.contains("401")) replies["401"] = problem_reply("No valid login was shown.");
        if (!replies.contains("403"))
            replies["403"] = problem_reply("This login may not do that, or its CSRF token is missing.");
    }
    replies["default"] = problem_reply("What went wrong, with the fields at fault.");
    return replies;
}

/// A route that needs a login takes a token or a page's cookie; one that only knows it takes none as well.
json::array security_of(const Route& route) {
    json::array ways;
    if (route.login == Login::noted) ways.push_back(json::object());
    ways.push_back(json::object{{"bearer", json::array()}});
    ways.push_back(json::object{{"cookie", json::array()}});
    return ways;
}

json::value security_schemes() {
    return {{"bearer",
             {{"type", "http"},
              {"scheme", "bearer"},
              {"bearerFormat", "JWT"},
              {"description", "A token from the auth service, or the secret that services share."}}},
            {"cookie",
             {{"type", "apiKey"},
              {"in", "cookie"},
              {"name", auth::access_cookie},
              {"description", "A page's session. What changes something needs its X-CSRF-Token too."}}}};
}

std::string roles_text(const Route& route) {
    std::string text;
    for (const auto role : route.roles) {
        text += text.empty() ? "" : " or ";
        text += auth::role_name(role);
    }
    return text;
}

json::object body_of(const Route& route, json::object& schemas) {
    json::object content;
    json::array bodies;
    for (const auto* shape : {route.body, route.other_body}) {
        if (!shape) continue;
        schemas[shape->name()] = shape->schema();
        bodies.push_back(json::object{{"$ref", "#/components/schemas/" + shape->name()}});
    }
    if (bodies.size() == 1) content["application/json"] = {{"schema", bodies[0]}};
    if (bodies.size() > 1) content["application/json"] = {{"schema", {{"anyOf", std::move(bodies)}}}};
    if (route.streamed) {
        for (const auto& type : route.streamed->types) content[type] = {{"schema", {{"type", "string"}}}};
    }
    return {{"required", true}, {"content", std::move(content)}};
}

/// The first sentence is the summary; who may call it and all others are the description.
json::object words_of(const Route& route) {
    const std::string_view prose = route.prose;
    const auto end = prose.find(". ");
    json::object words{{"summary", prose.substr(0, end == std::string_view::npos ? end : end + 1)}};
    std::string more(end == std::string_view::npos ? std::string_view{} : prose.substr(end + 2));
    if (!route.roles.empty()) more += (more.empty() ? "For the roles " : " For the roles ") + roles_text(route) + ".";
    if (!more.empty()) words["description"] = std::move(more);
    return words;
}

json::object operation_of(const Route& route, json::object& schemas) {
    auto operation = words_of(route);
    operation["responses"] = replies_of(route);
    auto parameters = parameters_of(route);
    if (!parameters.empty()) operation["parameters"] = std::move(parameters);
    if (route.body || route.streamed) operation["requestBody"] = body_of(route, schemas);
    if (route.login != Login::unasked) operation["security"] = security_of(route);
    return operation;
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
        auto& item = paths[route.pattern];
        if (!item.is_object()) item = json::object();
        item.get_object()[lowered(route.method)] = operation_of(route, schemas);
    }
    json::object components{{"schemas", std::move(schemas)}};
    if (router.asks_for_login()) components["securitySchemes"] = security_schemes();
    return json::serialize(json::value{{"openapi", "3.1.0"},
                                       {"info", {{"title", title}, {"version", version}}},
                                       {"paths", std::move(paths)},
                                       {"components", std::move(components)}});
}

}  // namespace kit
