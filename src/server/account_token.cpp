#include "server/account_token.h"

#include <fmt/format.h>

#include "kinds/registry.h"
#include "object/managed.h"
#include "server/answer.h"
#include "server/body.h"
#include "server/write_options.h"

namespace server {

using base::Code;
using base::Result;
using object::Object;
using object::Ref;

namespace {

constexpr std::int64_t lifetime_min_s = 600;
constexpr std::int64_t lifetime_max_s = std::int64_t{1} << 32;

std::int64_t seconds_of(base::Time time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

json::object named(std::string_view name, std::string_view uid) { return {{"name", name}, {"uid", uid}}; }

Result<void> check_lifetime(std::int64_t seconds) {
    const auto why = seconds < lifetime_min_s   ? "may not specify a duration less than 10 minutes"
                     : seconds > lifetime_max_s ? "may not specify a duration larger than 2^32 seconds"
                                                : "";
    if (!*why) return {};
    return base::fail(
        Code::invalid,
        fmt::format("TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: {}", why),
        base::Details{.group = "authentication.k8s.io",
                      .kind = "TokenRequest",
                      .causes = {{"FieldValueInvalid", fmt::format("Invalid value: {}: {}", seconds, why),
                                  "spec.expirationSeconds"}}});
}

Result<TokenWish> wish_of(Core& core, const Call& call, Ref spec) {
    TokenWish wish;
    for (const auto& audience : spec["audiences"].items()) wish.audiences.emplace_back(Ref(audience).str());
    if (spec["expirationSeconds"]) wish.lifetime_s = spec["expirationSeconds"].num();
    TRY(check_lifetime(wish.lifetime_s));
    const auto ref = spec["boundObjectRef"];
    if (!ref) return wish;
    wish.bound_kind = ref["kind"].str();
    if (wish.bound_kind != "Pod" && wish.bound_kind != "Secret" && wish.bound_kind != "Node")
        return base::fail(Code::bad_request, fmt::format("cannot bind token to object of type {}, {}",
                                                         ref["apiVersion"].str(), wish.bound_kind));
    const auto* kind = kinds::by_kind("v1", wish.bound_kind);
    wish.bound = TRY(core.api.get({kind, kind->namespaced() ? call.place.ns : "", std::string(ref["name"].str())}));
    if (const auto uid = ref["uid"].str(); !uid.empty() && uid != wish.bound->uid())
        return base::fail(
            Code::conflict,
            fmt::format("the UID in the bound object reference ({}) does not match the UID in record", uid),
            base::Details{.name = std::string(wish.bound->name()), .kind = wish.bound_kind});
    return wish;
}

/// The request as its sender owns it: with the lifetime that is filled in, without the audiences that are.
json::value managed_fields(Core& core, Ref spec, const TokenWish& wish, const std::string& manager) {
    json::object owned{{"expirationSeconds", wish.lifetime_s}};
    for (const auto* key : {"audiences", "boundObjectRef"})
        if (const auto* value = spec[key].value()) owned[key] = *value;
    json::object request{{"metadata", json::object()}, {"spec", std::move(owned)}};
    object::track_update(*kinds::message("authentication/v1", "TokenRequest"), nullptr, request,
                         {manager, "authentication.k8s.io/v1", "token", core.loop.now()});
    return request["metadata"].as_object()["managedFields"];
}

Result<json::object> answer(Core& core, const Call& call) {
    const auto options = TRY(parse_write_options(call, "CreateOptions"));
    const auto account = TRY(core.api.get(call.target()));
    const auto body =
        TRY(decode_body(call.request, Expected::of("authentication.k8s.io/v1", "authentication/v1", "TokenRequest")));
    const auto spec = Ref(body.object)["spec"];
    auto wish = TRY(wish_of(core, call, spec));
    auto managed = managed_fields(core, spec, wish, options.field_manager);
    const auto token = TRY(make_token(core, *account, wish));
    if (wish.audiences.empty()) wish.audiences = {core.settings.issuer};
    json::array audiences;
    for (const auto& audience : wish.audiences) audiences.emplace_back(audience);
    const auto* bound = spec["boundObjectRef"].value();
    const auto now = core.loop.now();
    return json::object{
        {"kind", "TokenRequest"},
        {"apiVersion", "authentication.k8s.io/v1"},
        {"metadata", json::object{{"name", account->name()},
                                  {"namespace", account->ns()},
                                  {"uid", account->uid()},
                                  {"creationTimestamp", base::rfc3339(now)},
                                  {"managedFields", std::move(managed)}}},
        {"spec", json::object{{"audiences", audiences},
                              {"expirationSeconds", wish.lifetime_s},
                              {"boundObjectRef", bound ? *bound : json::value(nullptr)}}},
        {"status", json::object{{"token", token},
                                {"expirationTimestamp", base::rfc3339(now + std::chrono::seconds(wish.lifetime_s))}}}};
}

}  // namespace

Result<std::string> make_token(Core& core, const Object& account, const TokenWish& wish) {
    const auto now = seconds_of(core.loop.now());
    json::array audiences;
    for (const auto& audience : wish.audiences) audiences.emplace_back(audience);
    if (audiences.empty()) audiences.emplace_back(core.settings.issuer);
    json::object bound{{"namespace", account.ns()}, {"serviceaccount", named(account.name(), account.uid())}};
    if (wish.bound) {
        const auto key = wish.bound_kind == "Pod" ? "pod" : wish.bound_kind == "Secret" ? "secret" : "node";
        bound[key] = named(wish.bound->name(), wish.bound->uid());
    }
    const json::object claims{{"aud", std::move(audiences)},
                              {"exp", now + wish.lifetime_s},
                              {"iat", now},
                              {"iss", core.settings.issuer},
                              {"jti", base::uuid(core.rng)},
                              {"kubernetes.io", std::move(bound)},
                              {"nbf", now},
                              {"sub", fmt::format("system:serviceaccount:{}:{}", account.ns(), account.name())}};
    return core.tokens.sign(claims);
}

void request_token(Core& core, Call call) {
    const auto body = answer(core, call);
    if (!body) return send_error(std::move(call), body.error());
    send_json(std::move(call), 201, *body);
}

}  // namespace server
