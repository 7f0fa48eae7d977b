// Patches: the live object is changed as the patch says and then goes the way of every update.
#include "object/patch.h"

#include <fmt/format.h>

#include <algorithm>

#include "kinds/rules.h"
#include "object/decode.h"
#include "verbs/errors.h"
#include "verbs/stored_api.h"

namespace verbs {

using base::Code;
using base::Result;
using object::Ref;

namespace {

/// What an operation of a JSON patch says beside what operations know; it counts as an unknown field does.
void note_unknown_members(const json::value& patch, std::vector<std::string>& found) {
    static constexpr std::string_view known[] = {"op", "path", "from", "value"};
    std::size_t i = 0;
    for (const auto& operation : Ref(patch).items()) {
        for (const auto& [key, value] : Ref(operation).members())
            if (std::ranges::find(known, std::string_view(key)) == std::end(known))
                found.push_back(fmt::format("json patch unknown field \"[{}].{}\"", i, std::string_view(key)));
        ++i;
    }
}

}  // namespace

Result<Written> StoredApi::patch(const Target& target, PatchType type, json::value patch, const WriteOptions& options) {
    const auto live = find(target);
    if (type == PatchType::apply) return apply(target, live, patch, options);
    if (!live) return std::unexpected(not_found(*target.kind, target.name));
    auto draft = TRY(patched(target, *live, type, patch, options));
    return replace(target, live, std::move(draft), options);
}

Result<StoredApi::Draft> StoredApi::patched(const Target& target, const object::Object& live, PatchType type,
                                            const json::value& patch, const WriteOptions& options) const {
    const auto result = [&]() -> Result<json::value> {
        switch (type) {
            case PatchType::json_patch:
                return object::json_patch(live.value(), patch);
            case PatchType::merge:
                if (!patch.is_object()) return base::fail(Code::bad_request, "a merge patch must be an object");
                return object::merge_patch(live.value(), patch);
            default:
                if (!patch.is_object())
                    return base::fail(Code::bad_request, "a strategic merge patch must be an object");
                return json::value(
                    TRY(object::strategic_merge(*target.kind->message, live.value(), patch.get_object())));
        }
    };
    auto value = TRY(result());
    if (!value.is_object())
        return std::unexpected(invalid_patch(*target.kind, target.name, "the patched object is no object"));
    auto own = options;
    if (type == PatchType::json_patch) note_unknown_members(patch, own.decode_warnings);
    const Ref patched(value);
    if (type == PatchType::strategic) {
        value.get_object()["kind"] = target.kind->kind;
        value.get_object()["apiVersion"] = target.kind->api_version();
    } else if (patched["kind"].str() != target.kind->kind ||
               patched["apiVersion"].str() != target.kind->api_version()) {
        return std::unexpected(invalid_patch(
            *target.kind, target.name,
            fmt::format("it would become a {} of {}", patched["kind"].str(), patched["apiVersion"].str())));
    }
    auto draft = shaped(target, std::move(value.get_object()), own);
    if (!draft && draft.error().code == Code::bad_request)
        return std::unexpected(invalid_patch(*target.kind, target.name, draft.error().message));
    return draft;
}

Result<Written> StoredApi::apply(const Target& target, const ObjectPtr& live, const json::value& patch,
                                 const WriteOptions& options) {
    const auto& kind = *target.kind;
    if (!patch.is_object()) return base::fail(Code::bad_request, "an applied configuration must be an object");
    auto intent = patch.get_object();
    const Ref meta = Ref(intent)["metadata"];
    const Ref said(intent);
    if (said["kind"].str() != kind.kind || said["apiVersion"].str() != kind.api_version())
        return base::fail(Code::bad_request,
                          fmt::format("a {} of {} was applied where a {} of {} is expected", said["kind"].str(),
                                      said["apiVersion"].str(), kind.kind, kind.api_version()));
    if (meta["managedFields"]) return base::fail(Code::bad_request, "metadata.managedFields must be nil");
    if (!live && !options.subresource.empty()) return std::unexpected(not_found(kind, target.name));
    const auto uid = meta["uid"].str();
    if (!live && !uid.empty())
        return std::unexpected(failed_precondition(
            kind, target.name,
            fmt::format("uid mismatch: the provided object specified uid {}, and no existing object was found", uid)));
    const auto version = meta["resourceVersion"].str();
    if (live && !version.empty() && version != live->meta()["resourceVersion"].str())
        return std::unexpected(conflict(kind, target.name));
    const auto checked = TRY(shaped(target, intent, options));
    if (!live) object::child(intent, "metadata").erase("resourceVersion");
    if (options.subresource.empty() && kind.has_subresource("status")) intent.erase("status");
    if (options.subresource == "status") intent.erase("spec");

    const auto finish = [&](json::object merged) -> Result<json::object> {
        auto shaped = TRY(object::shape(*kind.message, std::move(merged)));
        kinds::set_defaults(kind, shaped.object);
        return std::move(shaped.object);
    };
    auto merged = TRY(object::apply(*kind.message, live ? &live->value() : nullptr, intent, manager(target, options),
                                    options.force ? object::Force::yes : object::Force::no, finish));
    Draft draft{.object = std::move(merged), .warnings = checked.warnings, .tracking = Tracking::done};
    return live ? replace(target, live, std::move(draft), options) : insert(target, std::move(draft), options);
}

}  // namespace verbs
