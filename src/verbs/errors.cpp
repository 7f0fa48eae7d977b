#include "verbs/errors.h"

#include <fmt/format.h>

#include "kinds/convert.h"

namespace verbs {

using base::Code;
using object::Kind;

namespace {

/// Errors name the kind that is stored, whichever of its versions was asked for.
base::Details details(const Kind& asked, std::string_view name) {
    const Kind& kind = kinds::stored_as(asked);
    return {.name = std::string(name), .group = std::string(kind.group), .kind = std::string(kind.plural)};
}

}  // namespace

Error not_found(const Kind& kind, std::string_view name) {
    return {Code::not_found, fmt::format("{} \"{}\" not found", kind.qualified(), name), details(kind, name)};
}

Error already_exists(const Kind& kind, std::string_view name) {
    return {Code::already_exists, fmt::format("{} \"{}\" already exists", kind.qualified(), name), details(kind, name)};
}

Error conflict(const Kind& kind, std::string_view name) {
    return {Code::conflict,
            fmt::format("Operation cannot be fulfilled on {} \"{}\": the object has been modified; please apply your "
                        "changes to the latest version and try again",
                        kind.qualified(), name),
            details(kind, name)};
}

Error failed_precondition(const Kind& kind, std::string_view name, std::string_view what) {
    return {Code::conflict, fmt::format("Operation cannot be fulfilled on {} \"{}\": {}", kind.qualified(), name, what),
            details(kind, name)};
}

Error forbidden(const Kind& kind, std::string_view name, std::string_view why, std::vector<base::Cause> causes) {
    auto said = details(kind, name);
    said.causes = std::move(causes);
    return {Code::forbidden, fmt::format("{} \"{}\" is forbidden: {}", kind.qualified(), name, why), std::move(said)};
}

Error invalid(const Kind& asked, std::string_view name, std::vector<base::Cause> causes) {
    const Kind& kind = kinds::stored_as(asked);
    std::string text;
    for (const auto& cause : causes)
        text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", cause.field, cause.message);
    if (causes.size() > 1) text = "[" + text + "]";
    const auto qualified = kind.group.empty() ? std::string(kind.kind) : fmt::format("{}.{}", kind.kind, kind.group);
    return {Code::invalid,
            fmt::format("{} \"{}\" is invalid: {}", qualified, name, text),
            {.name = std::string(name),
             .group = std::string(kind.group),
             .kind = std::string(kind.kind),
             .causes = std::move(causes)}};
}

Error invalid_patch(const Kind& kind, std::string_view name, std::string_view why) {
    // Upstream's details name nothing but the cause here.
    return {Code::invalid,
            fmt::format("{} \"{}\" is invalid: patch: Invalid value: {}", kind.qualified(), name, why),
            {.causes = {{"FieldValueInvalid", fmt::format("Invalid value: {}", why), "patch"}}}};
}

}  // namespace verbs
