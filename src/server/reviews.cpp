#include "server/reviews.h"

#include <fmt/format.h>

#include <algorithm>

#include "object/decode.h"
#include "object/managed.h"
#include "server/answer.h"
#include "server/authn.h"
#include "server/body.h"
#include "server/status.h"
#include "server/write_options.h"

namespace server {

using base::Cause;
using base::Code;
using base::Result;
using object::Ref;

namespace {

json::array strings(const std::vector<std::string>& values) {
    json::array out;
    for (const auto& value : values) out.emplace_back(value);
    return out;
}

json::object info_of(const User& user) {
    json::object out{{"username", user.name}};
    if (!user.uid.empty()) out["uid"] = user.uid;
    if (!user.groups.empty()) out["groups"] = strings(user.groups);
    if (!user.extra.empty()) {
        auto& extra = out["extra"].emplace_object();
        for (const auto& [key, values] : user.extra) extra[key] = strings(values);
    }
    return out;
}

/// The question in canonical form: what was asked is repeated in the answer.
Result<json::object> question(const Call& call) {
    auto body = TRY(decode_body(call.request, Expected::of(*call.place.kind)));
    auto shaped = TRY(object::shape(*call.place.kind->message, std::move(body.object)));
    shaped.object.erase("status");
    json::object out{{"kind", call.place.kind->kind}, {"apiVersion", call.place.kind->api_version()}};
    out["metadata"] = json::object{};
    for (auto& [key, value] : shaped.object)
        if (key != "kind" && key != "apiVersion") out[key] = value;
    return out;
}

base::Error invalid(Cause cause) {
    const auto text = fmt::format("\"\" is invalid: {}: {}", cause.field, cause.message);
    return {Code::invalid, text, base::Details{.group = "authorization.k8s.io", .causes = {std::move(cause)}}};
}

base::Error wrong(std::string_view field, std::string_view why) {
    return invalid({"FieldValueInvalid", fmt::format("Invalid value: {}", why), std::string(field)});
}

Result<void> check_question(Ref asked) {
    const auto spec = asked["spec"];
    if (spec["resourceAttributes"] && spec["nonResourceAttributes"])
        return std::unexpected(
            wrong("spec.nonResourceAttributes", "cannot be specified in combination with resourceAttributes"));
    if (!spec["resourceAttributes"] && !spec["nonResourceAttributes"])
        return std::unexpected(wrong("spec.resourceAttributes",
                                     "exactly one of nonResourceAttributes or resourceAttributes must be specified"));
    if (!asked["metadata"]["name"].str().empty()) return std::unexpected(wrong("metadata", "must be empty"));
    return {};
}

Deed deed_asked(Ref spec) {
    const auto resource = spec["resourceAttributes"];
    if (!resource) {
        const auto path = spec["nonResourceAttributes"];
        return {.verb = std::string(path["verb"].str()), .path = std::string(path["path"].str())};
    }
    return {.verb = std::string(resource["verb"].str()),
            .group = std::string(resource["group"].str()),
            .resource = std::string(resource["resource"].str()),
            .subresource = std::string(resource["subresource"].str()),
            .ns = std::string(resource["namespace"].str()),
            .name = std::string(resource["name"].str()),
            .path = ""};
}

User user_asked(Ref spec) {
    User user{
        .name = std::string(spec["user"].str()), .uid = std::string(spec["uid"].str()), .groups = {}, .extra = {}};
    for (const auto& group : spec["groups"].items()) user.groups.emplace_back(Ref(group).str());
    return user;
}

void answer_access(Core& core, Call call, json::object asked, const User& user) {
    const auto options = parse_write_options(call, "CreateOptions");
    if (!options) return send_error(std::move(call), options.error());
    object::track_update(*call.place.kind->message, nullptr, asked,
                         {options->field_manager, call.place.kind->api_version(), "", core.loop.now()});
    const auto allowed = core.rbac.allows(user, deed_asked(Ref(asked)["spec"]));
    json::object status{{"allowed", allowed}};
    if (allowed) status["reason"] = "RBAC: allowed";
    asked["status"] = std::move(status);
    send_json(std::move(call), 201, asked);
}

}  // namespace

void review_self(Core& core, Call call) {
    auto asked = question(call);
    if (!asked) return send_error(std::move(call), asked.error());
    (*asked)["metadata"] = json::object{{"creationTimestamp", base::rfc3339(core.loop.now())}};
    (*asked)["status"] = json::object{{"userInfo", info_of(call.user)}};
    send_json(std::move(call), 201, *asked);
}

void review_token(Core& core, Call call) {
    auto asked = question(call);
    if (!asked) return send_error(std::move(call), asked.error());
    const auto spec = Ref(*asked)["spec"];
    std::vector<std::string> audiences;
    for (const auto& audience : spec["audiences"].items()) audiences.emplace_back(Ref(audience).str());
    if (audiences.empty()) audiences = {core.settings.issuer};
    std::vector<std::string> met;
    const auto user = token_user(core, spec["token"].str(), audiences, &met);
    json::object status;
    if (user) {
        status = {{"authenticated", true}, {"user", info_of(*user)}, {"audiences", strings(met)}};
    } else {
        status = {{"user", json::object()}};
    }
    (*asked)["status"] = std::move(status);
    send_json(std::move(call), 201, *asked);
}

void review_own_access(Core& core, Call call) {
    auto asked = question(call);
    if (asked) {
        const auto checked = check_question(*asked);
        if (!checked) return send_error(std::move(call), checked.error());
    }
    if (!asked) return send_error(std::move(call), asked.error());
    const auto user = call.user;
    answer_access(core, std::move(call), std::move(*asked), user);
}

namespace {

Result<json::object> question_about_somebody(const Call& call) {
    auto asked = TRY(question(call));
    TRY(check_question(asked));
    const auto spec = Ref(asked)["spec"];
    if (spec["user"].str().empty() && spec["groups"].size() == 0)
        return std::unexpected(wrong("spec.user", "at least one of user or group must be specified"));
    return asked;
}

}  // namespace

void review_access(Core& core, Call call) {
    auto asked = question_about_somebody(call);
    if (!asked) return send_error(std::move(call), asked.error());
    const auto user = user_asked(Ref(*asked)["spec"]);
    answer_access(core, std::move(call), std::move(*asked), user);
}

void review_local_access(Core& core, Call call) {
    auto asked = question_about_somebody(call);
    if (!asked) return send_error(std::move(call), asked.error());
    const auto spec = Ref(*asked)["spec"];
    const auto refuse = [&](std::string_view field, std::string_view why) {
        send_error(std::move(call), wrong(field, why));
    };
    if (spec["nonResourceAttributes"])
        return refuse("spec.nonResourceAttributes", "disallowed on this kind of request");
    if (spec["resourceAttributes"]["namespace"].str() != call.place.ns)
        return refuse("spec.resourceAttributes.namespace", "must match metadata.namespace");
    object::child(*asked, "metadata")["namespace"] = call.place.ns;
    const auto user = user_asked(spec);
    answer_access(core, std::move(call), std::move(*asked), user);
}

void review_own_rules(Core& core, Call call) {
    auto asked = question(call);
    if (!asked) return send_error(std::move(call), asked.error());
    const auto ns = std::string(Ref(*asked)["spec"]["namespace"].str());
    if (ns.empty()) return send_error(std::move(call), base::Error(Code::bad_request, "no namespace on request"));
    json::array resource_rules, path_rules;
    const auto add = [&](Ref rule) {
        json::object out;
        for (const auto* key : {"verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs"})
            if (const auto* value = rule[key].value()) out[key] = *value;
        auto& rules = rule["nonResourceURLs"].size() ? path_rules : resource_rules;
        if (std::ranges::find(rules, json::value(out)) == rules.end()) rules.push_back(std::move(out));
    };
    if (call.user.in("system:masters"))
        for (const auto* rule :
             {R"({"verbs":["*"],"apiGroups":["*"],"resources":["*"]})", R"({"verbs":["*"],"nonResourceURLs":["*"]})"})
            add(json::parse(rule));
    core.rbac.each_rule(call.user, ns, add);
    (*asked)["spec"] = json::object();
    (*asked)["status"] = json::object{{"resourceRules", std::move(resource_rules)},
                                      {"nonResourceRules", std::move(path_rules)},
                                      {"incomplete", false}};
    send_json(std::move(call), 201, *asked);
}

}  // namespace server
