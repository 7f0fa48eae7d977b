#include "server/write.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "object/decode.h"
#include "server/answer.h"
#include "server/body.h"
#include "server/escalation.h"
#include "server/read.h"
#include "server/status.h"

namespace server {

using base::Code;
using base::Result;

void send_result(Core& core, Call call, Result<verbs::Written> written) {
    if (!written) return send_error(std::move(call), written.error());
    std::ranges::move(written->warnings, std::back_inserter(call.warnings));
    const auto* kind = call.place.kind;
    send_written(core, std::move(call), written->created ? 201 : 200, *kind, written->object);
}

namespace {

Result<verbs::Written> create(Core& core, const Call& call) {
    auto options = TRY(parse_write_options(call, "CreateOptions"));
    auto body = TRY(decode_body(call.request, Expected::of(*call.place.kind)));
    options.decode_warnings = std::move(body.duplicates);
    TRY(may_grant(core, call, body.object));
    auto written = TRY(core.api.create(call.target(), std::move(body.object), options));
    written.created = true;
    return written;
}

Result<verbs::Written> update(Core& core, const Call& call) {
    auto options = TRY(parse_write_options(call, "UpdateOptions"));
    auto body = TRY(decode_body(call.request, Expected::of(*call.place.kind)));
    options.decode_warnings = std::move(body.duplicates);
    TRY(may_grant(core, call, body.object));
    return core.api.update(call.target(), std::move(body.object), options);
}

/// What a patch would make of an RBAC object is known by a dry run.
Result<void> may_grant_patched(Core& core, const Call& call, const ParsedPatch& parsed, verbs::WriteOptions options) {
    if (call.place.group != "rbac.authorization.k8s.io" || call.user.in("system:masters")) return {};
    options.dry_run = verbs::DryRun::all;
    const auto tried = TRY(core.api.patch(call.target(), parsed.type, parsed.value, options));
    const auto live = core.api.get(call.target());
    // Labels may be changed by who may not grant what stands already.
    const auto same = [&](std::string_view key) {
        const auto* now = (**live)[key].value();
        const auto* then = (*tried.object)[key].value();
        return now && then ? *now == *then : now == then;
    };
    if (live && same("rules") && same("roleRef") && same("subjects") && same("aggregationRule")) return {};
    return may_grant(core, call, tried.object->value());
}

Result<verbs::Written> patch(Core& core, const Call& call) {
    auto parsed = TRY(parse_patch(call.request));
    auto options = TRY(parse_write_options(call, "PatchOptions"));
    options.decode_warnings = std::move(parsed.duplicates);
    TRY(may_grant_patched(core, call, parsed, options));
    return core.api.patch(call.target(), parsed.type, std::move(parsed.value), options);
}

struct PatchMedia {
    std::string_view media;
    verbs::PatchType type;
};
constexpr std::array patch_media{
    PatchMedia{"application/json-patch+json", verbs::PatchType::json_patch},
    PatchMedia{"application/merge-patch+json", verbs::PatchType::merge},
    PatchMedia{"application/strategic-merge-patch+json", verbs::PatchType::strategic},
    PatchMedia{"application/apply-patch+yaml", verbs::PatchType::apply},
};

}  // namespace

Result<ParsedPatch> parse_patch(const http::Request& request) {
    const auto media = media_type(request.headers.get("Content-Type"));
    const auto* found = std::ranges::find(patch_media, std::string_view(media), &PatchMedia::media);
    if (found == patch_media.end())
        return base::fail(Code::unsupported_media_type,
                          "the body of the request was in an unknown format - accepted media types include: "
                          "application/json-patch+json, application/merge-patch+json, "
                          "application/strategic-merge-patch+json, application/apply-patch+yaml",
                          base::Details{});
    auto parsed =
        found->type == verbs::PatchType::apply ? object::parse_yaml(request.body) : object::parse_json(request.body);
    if (!parsed) return base::fail(Code::bad_request, "the patch could not be read: " + parsed.error().message);
    return ParsedPatch{found->type, std::move(parsed->value), std::move(parsed->duplicates)};
}

void create_object(Core& core, Call call) {
    auto written = create(core, call);
    send_result(core, std::move(call), std::move(written));
}

void update_object(Core& core, Call call) {
    auto written = update(core, call);
    send_result(core, std::move(call), std::move(written));
}

void patch_object(Core& core, Call call) {
    auto written = patch(core, call);
    send_result(core, std::move(call), std::move(written));
}

namespace {

/// These kinds answer a deletion with the object; the others with a Status once the object is gone.
bool answers_with_object(const object::Kind& kind) {
    constexpr std::array<std::string_view, 6> plurals{"namespaces",   "persistentvolumeclaims", "pods",
                                                      "podtemplates", "serviceaccounts",        "services"};
    return kind.group.empty() && std::ranges::find(plurals, kind.plural) != plurals.end();
}

}  // namespace

void delete_object(Core& core, Call call) {
    const auto options = parse_delete_options(call);
    if (!options) return send_error(std::move(call), options.error());
    auto deleted = core.api.remove(call.target(), *options, call.caller());
    if (!deleted) return send_error(std::move(call), deleted.error());
    std::ranges::move(deleted->warnings, std::back_inserter(call.warnings));
    const auto& kind = *call.place.kind;
    if (!deleted->gone || answers_with_object(kind))
        return send_written(core, std::move(call), 200, kind, deleted->object);
    const base::Details details{.name = call.place.name,
                                .group = std::string(kind.group),
                                .kind = std::string(kind.plural),
                                .uid = std::string(deleted->object->uid())};
    const auto revision = core.store().revision();
    send_durable(core, std::move(call), revision, 200,
                 std::make_shared<const std::string>(json::serialize(success(&details, 0))));
}

namespace {

Result<std::vector<object::ObjectPtr>> delete_selected(Core& core, Call& call) {
    const auto options = TRY(parse_delete_options(call));
    const auto selection = TRY(Selection::of(call));
    std::vector<object::ObjectPtr> meant;
    for (auto& object : core.store().list(verbs::key_of(call.target()).resource, call.place.ns)) {
        if (!selection.matches(*object)) continue;
        verbs::Target target{call.place.kind, std::string(object->ns()), std::string(object->name())};
        auto deleted = core.api.remove(target, options, call.caller());
        if (!deleted && deleted.error().code != Code::not_found) return std::unexpected(std::move(deleted).error());
        if (!deleted) continue;
        for (auto& warning : deleted->warnings)
            if (std::ranges::find(call.warnings, warning) == call.warnings.end())
                call.warnings.push_back(std::move(warning));
        meant.push_back(std::move(object));
    }
    return meant;
}

}  // namespace

void delete_collection(Core& core, Call call) {
    const auto meant = delete_selected(core, call);
    if (!meant) return send_error(std::move(call), meant.error());
    send_list(core, std::move(call), *meant, {.revision = core.store().revision()});
}

}  // namespace server
