#include "server/write_options.h"

#include <fmt/format.h>

#include <algorithm>

#include "server/body.h"
#include "server/status.h"

namespace server {

using base::Cause;
using base::Result;
using object::Ref;

namespace {

constexpr std::size_t manager_bytes_max = 128;

bool printable(std::string_view text) {
    return std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

Cause unsupported(std::string_view field, std::string_view value, std::string_view supported) {
    return {"FieldValueNotSupported", fmt::format("Unsupported value: \"{}\": supported values: {}", value, supported),
            std::string(field)};
}

/// The name before the slash of the User-Agent, as upstream names managers that do not name themselves.
std::string manager_of(const Call& call) {
    auto name = call.request.headers.get("User-Agent");
    name = name.substr(0, std::min(name.find('/'), manager_bytes_max));
    std::string out;
    std::ranges::copy_if(name, std::back_inserter(out), [](unsigned char c) { return c >= 0x20 && c != 0x7f; });
    return out.empty() ? "unknown" : out;
}

void check_dry_run(const std::vector<std::string>& values, std::vector<Cause>& causes) {
    for (const auto& value : values)
        if (value != "All") causes.push_back(unsupported("dryRun", value, "\"All\""));
}

void check_manager(std::string_view manager, std::vector<Cause>& causes) {
    if (manager.size() > manager_bytes_max)
        causes.push_back({"FieldValueTooLong",
                          fmt::format("Too long: may not be more than {} bytes", manager_bytes_max), "fieldManager"});
    if (!printable(manager))
        causes.push_back({"FieldValueInvalid",
                          fmt::format("Invalid value: {}: should only contain printable characters",
                                      json::serialize(json::value(manager))),
                          "fieldManager"});
}

}  // namespace

Result<verbs::WriteOptions> parse_write_options(const Call& call, std::string_view options_kind) {
    const auto& query = call.query;
    const auto manager = query.get("fieldManager");
    const auto validation = query.get("fieldValidation");
    const bool apply = media_type(call.request.headers.get("Content-Type")) == "application/apply-patch+yaml";
    std::vector<Cause> causes;
    if (options_kind == "PatchOptions" && !apply && query.has("force"))
        causes.push_back({"FieldValueForbidden", "Forbidden: may not be specified for non-apply patch", "force"});
    if (options_kind == "PatchOptions" && apply && manager.empty())
        causes.push_back({"FieldValueRequired", "Required value: is required for apply patch", "fieldManager"});
    check_manager(manager, causes);
    check_dry_run(query.all("dryRun"), causes);
    if (!validation.empty() && validation != "Ignore" && validation != "Warn" && validation != "Strict")
        causes.push_back(unsupported("fieldValidation", validation, "\"Ignore\", \"Strict\", \"Warn\""));
    if (!causes.empty()) return std::unexpected(invalid_options(options_kind, std::move(causes)));

    verbs::WriteOptions options;
    options.field_manager = manager.empty() ? manager_of(call) : std::string(manager);
    if (validation == "Ignore") options.validation = verbs::FieldValidation::ignore;
    if (validation == "Strict") options.validation = verbs::FieldValidation::strict;
    if (query.has("dryRun")) options.dry_run = verbs::DryRun::all;
    options.caller = call.caller();
    options.subresource = call.place.subresource;
    options.force = query.flag("force");
    return options;
}

Result<verbs::DeleteOptions> delete_options_of(Ref body) {
    verbs::DeleteOptions options;
    std::vector<Cause> causes;
    std::vector<std::string> dry_run;
    for (const auto& value : body["dryRun"].items()) dry_run.emplace_back(Ref(value).str());
    check_dry_run(dry_run, causes);
    if (!dry_run.empty()) options.dry_run = verbs::DryRun::all;
    if (body["gracePeriodSeconds"]) options.grace_s = body["gracePeriodSeconds"].num();
    options.precondition_uid = body["preconditions"]["uid"].str();
    options.precondition_version = body["preconditions"]["resourceVersion"].str();
    const auto policy = body["propagationPolicy"].str();
    if (policy == "Background")
        options.propagation = verbs::Propagation::background;
    else if (policy == "Foreground")
        options.propagation = verbs::Propagation::foreground;
    else if (policy == "Orphan")
        options.propagation = verbs::Propagation::orphan;
    else if (body["propagationPolicy"])
        causes.push_back(unsupported("propagationPolicy", policy, "\"Background\", \"Foreground\", \"Orphan\""));
    if (body["orphanDependents"]) {
        if (body["propagationPolicy"])
            causes.push_back({"FieldValueInvalid",
                              "Invalid value: orphanDependents and deletionPropagation cannot be both set",
                              "propagationPolicy"});
        options.propagation =
            body["orphanDependents"].flag() ? verbs::Propagation::orphan : verbs::Propagation::background;
    }
    if (!causes.empty()) return std::unexpected(invalid_options("DeleteOptions", std::move(causes)));
    return options;
}

namespace {

Result<json::object> delete_query(const Query& query) {
    json::object body;
    if (const auto grace = TRY(query.number("gracePeriodSeconds"))) body["gracePeriodSeconds"] = *grace;
    if (query.has("propagationPolicy")) body["propagationPolicy"] = query.get("propagationPolicy");
    if (query.has("orphanDependents")) body["orphanDependents"] = query.flag("orphanDependents");
    json::array dry_run;
    for (const auto& value : query.all("dryRun")) dry_run.emplace_back(value);
    if (!dry_run.empty()) body["dryRun"] = std::move(dry_run);
    return body;
}

}  // namespace

Result<verbs::DeleteOptions> parse_delete_options(const Call& call) {
    if (call.request.body.empty()) return delete_options_of(TRY(delete_query(call.query)));
    auto expected = Expected::of("v1", "meta/v1", "DeleteOptions");
    expected.any_version = true;
    const auto body = TRY(decode_body(call.request, expected));
    return delete_options_of(body.object);
}

}  // namespace server
