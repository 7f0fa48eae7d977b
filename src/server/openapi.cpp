#include "server/openapi.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "kinds/registry.h"
#include "server/answer.h"
#include "server/openapi_paths.h"
#include "server/openapi_schema.h"
#include "server/status.h"

namespace server {

namespace {

constexpr std::string_view v2_media = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

struct PlainPath {
    std::string_view name;  ///< in the index
    std::string_view path;
    std::string_view operation;
};
constexpr std::array plain_paths{
    PlainPath{".well-known/openid-configuration", "/.well-known/openid-configuration",
              "getServiceAccountIssuerOpenIDConfiguration"},
    PlainPath{"api", "/api/", "getCoreAPIVersions"},
    PlainPath{"apis", "/apis/", "getAPIVersions"},
    PlainPath{"openid/v1/jwks", "/openid/v1/jwks/", "getServiceAccountIssuerOpenIDKeyset"},
    PlainPath{"version", "/version/", "getCodeVersion"},
};

std::string index_name(const object::Kind& kind) {
    return kind.group.empty() ? fmt::format("api/{}", kind.version)
                              : fmt::format("apis/{}/{}", kind.group, kind.version);
}

json::object info() { return {{"title", "Kubernetes"}, {"version", "v1.36.2"}}; }

/// What paths refer to beside the kinds themselves.
void add_common(Schemas& schemas) {
    for (const auto* name : {"DeleteOptions", "Status", "APIResourceList", "WatchEvent"})
        if (const auto* message = kinds::message("meta/v1", name)) schemas.add(*message);
}

void add_subresources(Schemas& schemas, const object::Kind& kind) {
    for (const auto& sub : kind.subresources)
        if (const auto* message = answer_message(kind, sub)) schemas.add(*message);
}

json::object with_patch(json::object schemas) {
    schemas["io.k8s.apimachinery.pkg.apis.meta.v1.Patch"] = json::object{{"type", "object"}};
    return schemas;
}

json::object document_of(std::string_view name) {
    Schemas schemas(Dialect::v3);
    json::object paths;
    bool found = false;
    for (const auto& plain : plain_paths) {
        if (plain.name != name) continue;
        add_plain_path(paths, plain.path, plain.operation);
        found = true;
    }
    for (const auto& kind : kinds::all()) {
        const auto own = index_name(kind);
        if (own == name) {
            if (!found) {
                add_plain_path(paths, fmt::format("/{}/", name),
                               fmt::format("get{}{}APIResources", pascal_group(kind.group), pascal(kind.version)));
                add_common(schemas);
            }
            schemas.add(kind);
            add_subresources(schemas, kind);
            add_paths(paths, kind, Dialect::v3);
            found = true;
        } else if (!found && !kind.group.empty() && fmt::format("apis/{}", kind.group) == name) {
            add_plain_path(paths, fmt::format("/{}/", name), fmt::format("get{}APIGroup", pascal_group(kind.group)));
            found = true;
        }
    }
    if (!found) return {};
    return {{"openapi", "3.0.0"},
            {"info", info()},
            {"paths", std::move(paths)},
            {"components", json::object{{"schemas", with_patch(schemas.take())}}}};
}

/// proto3: one length-delimited field.
std::string field(int number, std::string_view bytes) {
    std::string out(1, static_cast<char>(number << 3 | 2));
    out += static_cast<char>(bytes.size());
    return out.append(bytes);
}

}  // namespace

std::vector<std::string> OpenApi::names() {
    std::vector<std::string> out;
    for (const auto& plain : plain_paths) out.emplace_back(plain.name);
    for (const auto& path : discovery_.paths()) out.push_back(path.substr(1));
    std::ranges::sort(out);
    out.erase(std::ranges::unique(out).begin(), out.end());
    return out;
}

const Document& OpenApi::index() {
    if (index_.text) return index_;
    json::object paths;
    for (const auto& name : names()) {
        const auto hash = Document::of(json::serialize(document_of(name))).hash;
        paths[name] = json::object{{"serverRelativeURL", fmt::format("/openapi/v3/{}?hash={}", name, hash)}};
    }
    return index_ = Document::of(json::serialize(json::object{{"paths", std::move(paths)}}));
}

const Document* OpenApi::v3(std::string_view path) {
    if (const auto found = v3_.find(path); found != v3_.end()) return &found->second;
    const auto made = document_of(path);
    if (made.empty()) return nullptr;
    return &(v3_[std::string(path)] = Document::of(json::serialize(made)));
}

const Document& OpenApi::v2_protobuf() {
    if (!v2_protobuf_.text)
        v2_protobuf_ = Document::of(field(1, "2.0") + field(2, field(1, "Kubernetes") + field(2, "v1.36.2")));
    return v2_protobuf_;
}

const Document& OpenApi::v2_json() {
    if (v2_json_.text) return v2_json_;
    Schemas schemas(Dialect::v2);
    json::object paths;
    add_common(schemas);
    for (const auto& kind : kinds::all()) {
        schemas.add(kind);
        add_subresources(schemas, kind);
        add_paths(paths, kind, Dialect::v2);
    }
    return v2_json_ = Document::of(json::serialize(json::object{{"swagger", "2.0"},
                                                                {"info", info()},
                                                                {"paths", std::move(paths)},
                                                                {"definitions", with_patch(schemas.take())}}));
}

namespace {

void send_document(Call call, const Document& document, std::string_view type) {
    auto headers = headers_of(call, type);
    headers.add("ETag", "\"" + document.hash + "\"");
    headers.add("Vary", "Accept");
    if (unchanged(call.request.headers.get("If-None-Match"), document))
        return std::move(call.reply).send({304, std::move(headers), nullptr});
    std::move(call.reply).send({200, std::move(headers), document.text});
}

}  // namespace

void show_openapi_v3(Core& core, Call call) {
    constexpr std::string_view root = "/openapi/v3";
    auto path = std::string_view(call.request.path).substr(root.size());
    while (path.starts_with('/')) path.remove_prefix(1);
    while (path.ends_with('/')) path.remove_suffix(1);
    if (path.empty()) return send_document(std::move(call), core.openapi.index(), "text/plain; charset=utf-8");
    const auto* document = core.openapi.v3(path);
    if (!document) return send_text(std::move(call), 404, "404 page not found\n", "text/plain; charset=utf-8");
    const auto hash = call.query.get("hash");
    if (!hash.empty() && hash != document->hash) {
        auto headers = headers_of(call, "");
        headers.add("Location", fmt::format("{}/{}?hash={}", root, path, document->hash));
        return std::move(call.reply).send({301, std::move(headers), nullptr});
    }
    send_document(std::move(call), *document, "application/json");
}

void show_openapi_v2(Core& core, Call call) {
    for (const auto& clause : parse_accept(call.request.headers.get("Accept"))) {
        if (clause.type.starts_with("application/com.github.proto-openapi.spec.v2"))
            return send_document(std::move(call), core.openapi.v2_protobuf(), v2_media);
        if (clause.type == "application/json" || clause.type == "*/*")
            return send_document(std::move(call), core.openapi.v2_json(), "application/json");
    }
    send_error(std::move(call), base::Error(base::Code::not_acceptable, "only JSON and protobuf are served here"));
}

}  // namespace server
