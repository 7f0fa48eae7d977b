#include "server/discovery.h"

#include <fmt/format.h>

#include <algorithm>

#include "kinds/registry.h"
#include "server/answer.h"
#include "server/status.h"

namespace server {

using object::Kind;
using object::Subresource;

namespace {

constexpr std::string_view aggregated_type = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

struct Version {
    std::string name;
    std::vector<const Kind*> kinds;
};
struct Group {
    std::string name;
    std::vector<Version> versions;  ///< the preferred one first
};

std::vector<Group> groups() {
    std::vector<Group> out;
    for (const auto& kind : kinds::all()) {
        auto group = std::ranges::find(out, kind.group, &Group::name);
        if (group == out.end()) group = out.insert(out.end(), {std::string(kind.group), {}});
        auto version = std::ranges::find(group->versions, kind.version, &Version::name);
        if (version == group->versions.end())
            version = group->versions.insert(version, {std::string(kind.version), {}});
        version->kinds.push_back(&kind);
    }
    return out;
}

json::array strings(std::span<const std::string_view> values) {
    json::array out;
    for (const auto value : values) out.emplace_back(value);
    return out;
}

/// Subresources in order of name.
std::vector<const Subresource*> subresources(const Kind& kind) {
    std::vector<const Subresource*> out;
    for (const auto& sub : kind.subresources) out.push_back(&sub);
    std::ranges::sort(out, {}, [](const Subresource* sub) { return sub->name; });
    return out;
}

bool elsewhere(const Kind& kind, const Subresource& sub) {
    return !sub.version.empty() && (sub.group != kind.group || sub.version != kind.version);
}

void add_names(json::object& out, const Kind& kind) {
    if (!kind.short_names.empty()) out["shortNames"] = strings(kind.short_names);
    if (!kind.categories.empty()) out["categories"] = strings(kind.categories);
}

void add_legacy(json::array& resources, const Kind& kind) {
    json::object out{{"name", kind.plural},
                     {"singularName", kind.singular},
                     {"namespaced", kind.namespaced()},
                     {"kind", kind.kind},
                     {"verbs", strings(kind.verbs)}};
    add_names(out, kind);
    resources.push_back(std::move(out));
    for (const auto* sub : subresources(kind)) {
        json::object entry{{"name", fmt::format("{}/{}", kind.plural, sub->name)},
                           {"singularName", ""},
                           {"namespaced", kind.namespaced()}};
        if (elsewhere(kind, *sub)) {
            entry["group"] = sub->group;
            entry["version"] = sub->version;
        }
        entry["kind"] = sub->kind.empty() ? kind.kind : sub->kind;
        entry["verbs"] = strings(sub->verbs);
        resources.push_back(std::move(entry));
    }
}

json::object resource_list(std::string_view group_version, const Version& version) {
    json::array resources;
    for (const auto* kind : version.kinds) add_legacy(resources, *kind);
    return {
        {"kind", "APIResourceList"}, {"apiVersion", "v1"}, {"groupVersion", group_version}, {"resources", resources}};
}

json::object group_of(const Group& group) {
    json::array versions;
    for (const auto& version : group.versions)
        versions.push_back(json::object{{"groupVersion", group.name + "/" + version.name}, {"version", version.name}});
    const auto preferred = versions.front();
    return {{"name", group.name}, {"versions", std::move(versions)}, {"preferredVersion", preferred}};
}

json::object response_kind(std::string_view group, std::string_view version, std::string_view kind) {
    return {{"group", group}, {"version", version}, {"kind", kind}};
}

json::object aggregated_resource(const Kind& kind) {
    json::object out{{"resource", kind.plural},
                     {"responseKind", response_kind("", "", kind.kind)},
                     {"scope", kind.namespaced() ? "Namespaced" : "Cluster"},
                     {"singularResource", kind.singular},
                     {"verbs", strings(kind.verbs)}};
    add_names(out, kind);
    json::array subs;
    for (const auto* sub : subresources(kind)) {
        const bool other = elsewhere(kind, *sub);
        subs.push_back(json::object{{"subresource", sub->name},
                                    {"responseKind", response_kind(other ? sub->group : "", other ? sub->version : "",
                                                                   sub->kind.empty() ? kind.kind : sub->kind)},
                                    {"verbs", strings(sub->verbs)}});
    }
    if (!subs.empty()) out["subresources"] = std::move(subs);
    return out;
}

json::object aggregated_group(const Group& group) {
    json::array versions;
    for (const auto& version : group.versions) {
        json::array resources;
        for (const auto* kind : version.kinds) resources.push_back(aggregated_resource(*kind));
        versions.push_back(
            json::object{{"version", version.name}, {"resources", std::move(resources)}, {"freshness", "Current"}});
    }
    json::object meta;
    if (!group.name.empty()) meta["name"] = group.name;
    return {{"metadata", std::move(meta)}, {"versions", std::move(versions)}};
}

Document aggregated_list(json::array items) {
    return Document::of(json::serialize(json::object{{"kind", "APIGroupDiscoveryList"},
                                                     {"apiVersion", "apidiscovery.k8s.io/v2"},
                                                     {"metadata", json::object()},
                                                     {"items", std::move(items)}}));
}

Document document(const json::object& object) { return Document::of(json::serialize(object)); }

json::object headed(std::string_view kind, json::object rest) {
    json::object out{{"kind", kind}, {"apiVersion", "v1"}};
    for (auto& [key, value] : rest) out[key] = value;
    return out;
}

}  // namespace

void Discovery::make() {
    if (!legacy_.empty()) return;
    json::array core_items, items, list;
    for (const auto& group : groups()) {
        const auto base = group.name.empty() ? std::string("/api") : "/apis/" + group.name;
        for (const auto& version : group.versions) {
            const auto group_version = group.name.empty() ? version.name : group.name + "/" + version.name;
            legacy_[base + "/" + version.name] = document(resource_list(group_version, version));
        }
        (group.name.empty() ? core_items : items).push_back(aggregated_group(group));
        if (group.name.empty()) continue;
        legacy_[base] = document(headed("APIGroup", group_of(group)));
        list.push_back(group_of(group));
    }
    legacy_["/api"] = document(
        {{"kind", "APIVersions"}, {"versions", json::array{"v1"}}, {"serverAddressByClientCIDRs", json::array()}});
    legacy_["/apis"] = document(headed("APIGroupList", {{"groups", std::move(list)}}));
    aggregated_["/api"] = aggregated_list(std::move(core_items));
    aggregated_["/apis"] = aggregated_list(std::move(items));
}

const Document* Discovery::legacy(std::string_view path) {
    make();
    const auto found = legacy_.find(path);
    return found == legacy_.end() ? nullptr : &found->second;
}

const Document& Discovery::aggregated(std::string_view path) {
    make();
    return aggregated_.find(path)->second;
}

bool Discovery::knows_group(std::string_view group) {
    make();
    return group.empty() || legacy_.contains(fmt::format("/apis/{}", group));
}

std::vector<std::string> Discovery::paths() {
    make();
    std::vector<std::string> out;
    for (const auto& [path, document] : legacy_) out.push_back(path);
    return out;
}

namespace {

void send_document(Call call, const Document& document, std::string_view type) {
    auto headers = headers_of(call, type);
    headers.add("Vary", "Accept");
    headers.add("ETag", "\"" + document.hash + "\"");
    if (unchanged(call.request.headers.get("If-None-Match"), document))
        return std::move(call.reply).send({304, std::move(headers), nullptr});
    std::move(call.reply).send({200, std::move(headers), document.text});
}

}  // namespace

void discover(Core& core, Call call) {
    std::string path = call.request.path;
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    const auto* legacy = core.discovery.legacy(path);
    if (!legacy) return send_error(std::move(call), unknown_resource());
    for (const auto& clause : parse_accept(call.request.headers.get("Accept"))) {
        if (clause.as == "APIGroupDiscoveryList" && clause.group == "apidiscovery.k8s.io" && clause.version == "v2" &&
            (path == "/api" || path == "/apis"))
            return send_document(std::move(call), core.discovery.aggregated(path), aggregated_type);
        const bool plain = clause.type == "application/json" || clause.type == "*/*" ||
                           clause.type == "application/vnd.kubernetes.protobuf";
        if (clause.as.empty() && plain) return send_text(std::move(call), 200, legacy->text, "application/json");
        if (clause.as.empty() && clause.type == "application/yaml") {
            call.accepted.media = Media::yaml;
            return send_body(std::move(call), 200, legacy->text);
        }
    }
    send_error(std::move(call),
               base::Error(base::Code::not_acceptable,
                           "only the following media types are accepted: application/json, application/yaml"));
}

}  // namespace server
