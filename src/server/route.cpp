#include "server/route.h"

#include <algorithm>
#include <array>

#include "kinds/warnings.h"
#include "server/account_token.h"
#include "server/answer.h"
#include "server/health.h"
#include "server/logs.h"
#include "server/pods.h"
#include "server/read.h"
#include "server/reviews.h"
#include "server/scale.h"
#include "server/session.h"
#include "server/status.h"
#include "server/write.h"

namespace server {

namespace {

using Handle = void (*)(Core&, Call);

/// What an answer may look like: `forms` gives tables and partial metadata too, `raw` is not negotiated here.
enum class Answers : std::uint8_t { forms, plain, raw };

struct FixedRoute {
    std::string_view path;
    enum class Match : std::uint8_t { exact, below } match;  ///< below: the path itself and everything under it
    Handle handle;
};

constexpr auto exact = FixedRoute::Match::exact;
constexpr auto below = FixedRoute::Match::below;

constexpr std::array fixed_routes{
    FixedRoute{"/", exact, show_paths},
    FixedRoute{"/version", exact, show_version},
    FixedRoute{"/healthz", below, show_health},
    FixedRoute{"/livez", below, show_health},
    FixedRoute{"/readyz", below, show_health},
    FixedRoute{"/openapi/v2", exact, show_openapi_v2},
    FixedRoute{"/openapi/v3", below, show_openapi_v3},
    FixedRoute{"/.well-known/openid-configuration", exact, show_openid_configuration},
    FixedRoute{"/openid/v1/jwks", exact, show_key_set},
    FixedRoute{"/api", below, discover},
    FixedRoute{"/apis", below, discover},
};

enum class Where : std::uint8_t { collection, item };

/// A subresource of "" is the main path; "*" is any that answers with the object itself.
struct ResourceRoute {
    std::string_view method;
    Where where;
    std::string_view subresource;
    std::string_view verb;  ///< that the kind or subresource must have
    Handle handle;
    Answers answers = Answers::forms;
};

constexpr auto collection = Where::collection;
constexpr auto item = Where::item;

constexpr std::array resource_routes{
    ResourceRoute{"GET", collection, "", "list", list_or_watch},
    ResourceRoute{"POST", collection, "", "create", create_object},
    ResourceRoute{"DELETE", collection, "", "deletecollection", delete_collection},
    ResourceRoute{"GET", item, "", "get", get_object},
    ResourceRoute{"PUT", item, "", "update", update_object},
    ResourceRoute{"PATCH", item, "", "patch", patch_object},
    ResourceRoute{"DELETE", item, "", "delete", delete_object},
    ResourceRoute{"GET", item, "scale", "get", get_scale, Answers::plain},
    ResourceRoute{"PUT", item, "scale", "update", update_scale, Answers::plain},
    ResourceRoute{"PATCH", item, "scale", "patch", patch_scale, Answers::plain},
    ResourceRoute{"POST", item, "binding", "create", bind_pod, Answers::plain},
    ResourceRoute{"POST", item, "eviction", "create", evict_pod, Answers::plain},
    ResourceRoute{"GET", item, "log", "get", read_log, Answers::raw},
    ResourceRoute{"POST", item, "token", "create", request_token, Answers::plain},
    ResourceRoute{"GET", item, "exec", "get", serve_session, Answers::raw},
    ResourceRoute{"POST", item, "exec", "create", serve_session, Answers::raw},
    ResourceRoute{"GET", item, "attach", "get", serve_session, Answers::raw},
    ResourceRoute{"POST", item, "attach", "create", serve_session, Answers::raw},
    ResourceRoute{"GET", item, "portforward", "get", serve_session, Answers::raw},
    ResourceRoute{"POST", item, "portforward", "create", serve_session, Answers::raw},
    ResourceRoute{"GET", item, "proxy", "get", serve_session, Answers::raw},
    ResourceRoute{"POST", item, "proxy", "create", serve_session, Answers::raw},
    ResourceRoute{"PUT", item, "proxy", "update", serve_session, Answers::raw},
    ResourceRoute{"PATCH", item, "proxy", "patch", serve_session, Answers::raw},
    ResourceRoute{"DELETE", item, "proxy", "delete", serve_session, Answers::raw},
    ResourceRoute{"GET", item, "*", "get", get_object},
    ResourceRoute{"PUT", item, "*", "update", update_object},
    ResourceRoute{"PATCH", item, "*", "patch", patch_object},
};

/// Kinds that are questions, not objects: only POST to their collection.
struct QuestionRoute {
    std::string_view group, plural;
    Handle handle;
};

constexpr std::array question_routes{
    QuestionRoute{"", "bindings", bind_by_name},
    QuestionRoute{"authentication.k8s.io", "selfsubjectreviews", review_self},
    QuestionRoute{"authentication.k8s.io", "tokenreviews", review_token},
    QuestionRoute{"authorization.k8s.io", "selfsubjectaccessreviews", review_own_access},
    QuestionRoute{"authorization.k8s.io", "subjectaccessreviews", review_access},
    QuestionRoute{"authorization.k8s.io", "localsubjectaccessreviews", review_local_access},
    QuestionRoute{"authorization.k8s.io", "selfsubjectrulesreviews", review_own_rules},
};

const object::Subresource* subresource_of(const Place& place) {
    const auto& subs = place.kind->subresources;
    const auto found = std::ranges::find(subs, std::string_view(place.subresource), &object::Subresource::name);
    return found == subs.end() ? nullptr : &*found;
}

bool has(std::span<const std::string_view> verbs, std::string_view verb) {
    return std::ranges::find(verbs, verb) != verbs.end();
}

/// A namespaced kind's objects are made and removed in one namespace; across all they are only read.
bool only_read(const Call& call) {
    return call.place.collection() && call.place.kind->namespaced() && call.place.ns.empty() &&
           call.request.method != "GET";
}

const ResourceRoute* find_route(const Call& call) {
    const auto where = call.place.collection() ? collection : item;
    const auto found = std::ranges::find_if(resource_routes, [&](const ResourceRoute& route) {
        return route.method == call.request.method && route.where == where &&
               (route.subresource == call.place.subresource ||
                (route.subresource == "*" && !call.place.subresource.empty()));
    });
    return found == resource_routes.end() ? nullptr : &*found;
}

void run(Core& core, Call call, Handle handle, Answers answers) {
    if (answers != Answers::raw && !(call.query.flag("watch") && call.place.collection())) {
        const auto accepted = negotiate(call.request.headers.get("Accept"), {.forms = answers == Answers::forms});
        if (!accepted) return send_error(std::move(call), accepted.error());
        call.accepted = *accepted;
    }
    handle(core, std::move(call));
}

void dispatch_resource(Core& core, Call call) {
    const auto& place = call.place;
    if (!core.discovery.knows_group(place.group))
        return send_text(std::move(call), 404, "404 page not found\n", "text/plain; charset=utf-8");
    if (!place.kind) return send_error(std::move(call), unknown_resource());
    if (place.watch) {
        if (call.request.method != "GET") return send_error(std::move(call), method_not_allowed());
        return open_watch(core, std::move(call));
    }
    for (const auto& route : question_routes) {
        if (route.group != place.group || route.plural != place.plural || !place.name.empty()) continue;
        if (call.request.method != "POST") return send_error(std::move(call), method_not_allowed());
        return run(core, std::move(call), route.handle, Answers::plain);
    }
    const auto* sub = place.subresource.empty() ? nullptr : subresource_of(place);
    if (!place.subresource.empty() && !sub) return send_error(std::move(call), unknown_resource());
    const auto* route = find_route(call);
    if (!route || only_read(call) || !has(sub ? sub->verbs : place.kind->verbs, route->verb))
        return send_error(std::move(call), method_not_allowed());
    if (const auto old = kinds::deprecation(*place.kind); !old.empty()) call.warnings.emplace_back(old);
    run(core, std::move(call), route->handle, route->answers);
}

bool meant(const FixedRoute& route, std::string_view path) {
    while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
    if (path == route.path) return true;
    return route.match == below && path.starts_with(route.path) && path.substr(route.path.size()).starts_with('/');
}

void dispatch_fixed(Core& core, Call call) {
    const auto& path = call.request.path;
    const auto* route =
        std::ranges::find_if(fixed_routes, [&](const FixedRoute& candidate) { return meant(candidate, path); });
    const auto group = path.starts_with("/apis/") ? std::string_view(path).substr(6) : std::string_view{};
    if (route == fixed_routes.end() || !core.discovery.knows_group(group.substr(0, group.find('/'))))
        return send_text(std::move(call), 404, "404 page not found\n", "text/plain; charset=utf-8");
    if (call.request.method != "GET") return send_error(std::move(call), method_not_allowed());
    route->handle(core, std::move(call));
}

}  // namespace

void dispatch(Core& core, Call call) {
    if (call.place.plural.empty()) return dispatch_fixed(core, std::move(call));
    dispatch_resource(core, std::move(call));
}

}  // namespace server
