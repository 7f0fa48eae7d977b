#include "server/scale.h"

#include <fmt/format.h>

#include "kinds/registry.h"
#include "object/decode.h"
#include "object/patch.h"
#include "object/selector.h"
#include "server/answer.h"
#include "server/body.h"
#include "server/write.h"

namespace server {

using base::Code;
using base::Result;
using object::Object;
using object::Ref;

namespace {

/// A ReplicationController's selector is a plain map; the others' a LabelSelector.
std::string selector_text(const object::Kind& kind, Ref selector) {
    if (kind.group.empty()) return object::LabelSelector::from_map(selector).text();
    const auto parsed = object::LabelSelector::from_json(selector);
    return parsed ? parsed->text() : "";
}

json::object scale_of(const object::Kind& kind, const Object& object) {
    json::object meta;
    for (const auto* key : {"name", "namespace", "uid", "resourceVersion", "creationTimestamp"})
        if (const auto* value = object.meta()[key].value()) meta[key] = *value;
    json::object spec;
    if (const auto wanted = object["spec"]["replicas"].num()) spec["replicas"] = wanted;
    json::object status{{"replicas", object["status"]["replicas"].num()}};
    if (const auto text = selector_text(kind, object["spec"]["selector"]); !text.empty()) status["selector"] = text;
    return {
        {"kind", "Scale"}, {"apiVersion", "autoscaling/v1"}, {"metadata", meta}, {"spec", spec}, {"status", status}};
}

Result<void> check(const Call& call, Ref scale) {
    const auto name = scale["metadata"]["name"].str();
    if (!name.empty() && name != call.place.name)
        return base::fail(
            Code::bad_request,
            fmt::format("the name of the object ({}) does not match the name on the URL ({})", name, call.place.name));
    const auto replicas = scale["spec"]["replicas"];
    if (replicas.num() >= 0) return {};
    base::Details details{.name = call.place.name, .group = "autoscaling", .kind = "Scale"};
    details.causes = {{"FieldValueInvalid",
                       fmt::format("Invalid value: {}: must be greater than or equal to 0", replicas.num()),
                       "spec.replicas"}};
    return base::fail(Code::invalid,
                      fmt::format("Scale.autoscaling \"{}\" is invalid: spec.replicas: {}", call.place.name,
                                  details.causes[0].message),
                      details);
}

/// As the message says: integers where integers are, nothing that it does not know.
Result<json::object> decoded(json::object scale) {
    return TRY(object::shape(*kinds::message("autoscaling/v1", "Scale"), std::move(scale))).object;
}

Result<verbs::Written> set(Core& core, const Call& call, const json::object& scale,
                           const verbs::WriteOptions& options) {
    TRY(check(call, scale));
    const auto live = TRY(core.api.get(call.target()));
    auto wanted = live->value();
    object::child(wanted, "spec")["replicas"] = Ref(scale)["spec"]["replicas"].num();
    auto& meta = object::child(wanted, "metadata");
    meta.erase("resourceVersion");
    for (const auto* key : {"resourceVersion", "uid"})
        if (const auto said = Ref(scale)["metadata"][key].str(); !said.empty()) meta[key] = said;
    return core.api.update(call.target(), std::move(wanted), options);
}

Result<verbs::Written> update(Core& core, const Call& call) {
    const auto options = TRY(parse_write_options(call, "UpdateOptions"));
    const auto body = TRY(decode_body(call.request, Expected::of("autoscaling/v1", "autoscaling/v1", "Scale")));
    return set(core, call, TRY(decoded(body.object)), options);
}

/// A Scale is applied as the one field of its object that it shows, with the conflicts which that field has.
Result<verbs::Written> apply(Core& core, const Call& call, const ParsedPatch& patch,
                             const verbs::WriteOptions& options) {
    if (!patch.value.is_object()) return base::fail(Code::bad_request, "an applied configuration must be an object");
    const auto scale = TRY(decoded(patch.value.get_object()));
    TRY(check(call, scale));
    json::object meta{{"name", call.place.name}};
    for (const auto* key : {"uid", "resourceVersion", "managedFields"})
        if (const auto* said = Ref(scale)["metadata"][key].value()) meta[key] = *said;
    json::object spec;
    if (const auto* wanted = Ref(scale)["spec"]["replicas"].value()) spec["replicas"] = *wanted;
    json::object intent{{"kind", call.place.kind->kind},
                        {"apiVersion", call.place.kind->api_version()},
                        {"metadata", std::move(meta)},
                        {"spec", std::move(spec)}};
    return core.api.patch(call.target(), verbs::PatchType::apply, std::move(intent), options);
}

Result<json::value> patched(const json::object& scale, ParsedPatch patch) {
    switch (patch.type) {
        case verbs::PatchType::json_patch:
            return object::json_patch(scale, patch.value);
        case verbs::PatchType::merge:
            return object::merge_patch(scale, patch.value);
        case verbs::PatchType::apply:
        case verbs::PatchType::strategic:
            break;
    }
    if (!patch.value.is_object()) return base::fail(Code::bad_request, "the patch is no object");
    return TRY(object::strategic_merge(*kinds::message("autoscaling/v1", "Scale"), scale, patch.value.get_object()));
}

/// A patch whose result is no Scale; upstream's details name nothing but the cause.
base::Error no_scale(const Call& call, std::string_view why) {
    auto message = fmt::format("Invalid value: {}", why);
    auto text = fmt::format("Scale.autoscaling \"{}\" is invalid: patch: {}", call.place.name, message);
    return {Code::invalid, std::move(text), {.causes = {{"FieldValueInvalid", std::move(message), "patch"}}}};
}

Result<verbs::Written> patch(Core& core, const Call& call) {
    auto parsed = TRY(parse_patch(call.request));
    const auto options = TRY(parse_write_options(call, "PatchOptions"));
    if (parsed.type == verbs::PatchType::apply) return apply(core, call, parsed, options);
    const auto live = TRY(core.api.get(call.target()));
    const auto scale = TRY(patched(scale_of(*call.place.kind, *live), std::move(parsed)));
    if (!scale.is_object()) return std::unexpected(no_scale(call, "the patched Scale is no object"));
    const auto shaped = decoded(scale.get_object());
    if (!shaped) return std::unexpected(no_scale(call, shaped.error().message));
    return set(core, call, *shaped, options);
}

void send_scale(Core& core, Call call, const Object& object) {
    const auto revision = core.store().revision();
    auto text = std::make_shared<const std::string>(json::serialize(scale_of(*call.place.kind, object)));
    send_durable(core, std::move(call), revision, 200, std::move(text));
}

void send_scaled(Core& core, Call call, const Result<verbs::Written>& written) {
    if (!written) return send_error(std::move(call), written.error());
    send_scale(core, std::move(call), *written->object);
}

}  // namespace

void get_scale(Core& core, Call call) {
    const auto object = core.api.get(call.target());
    if (!object) return send_error(std::move(call), object.error());
    send_scale(core, std::move(call), **object);
}

void update_scale(Core& core, Call call) {
    const auto written = update(core, call);
    send_scaled(core, std::move(call), written);
}

void patch_scale(Core& core, Call call) {
    const auto written = patch(core, call);
    send_scaled(core, std::move(call), written);
}

}  // namespace server
