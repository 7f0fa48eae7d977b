// Values that field selectors compare. Rule: a path reads the field of that name, but where a kind says otherwise.
#include <string>

#include "kinds/rule.h"

namespace kinds {

static std::string text_of(Ref value) {
    if (!value) return "";
    if (const auto* text = value.value() ? value.value()->if_string() : nullptr) return std::string(*text);
    return value.value() ? json::serialize(*value.value()) : "";
}

std::string selectable(const object::Kind& kind, const json::object& object, std::string_view path) {
    const Ref root(object);
    const bool core = kind.group.empty();
    if (core && kind.kind == "Event" && path == "source") {
        const auto component = root["source"]["component"].str();
        return std::string(component.empty() ? root["reportingComponent"].str() : component);
    }
    Ref at = root;
    for (std::size_t start = 0; start <= path.size();) {
        const auto dot = std::min(path.find('.', start), path.size());
        at = at[path.substr(start, dot - start)];
        start = dot + 1;
    }
    // Booleans and counts that are not written are false and 0.
    if (!at && (path == "spec.unschedulable" || path == "spec.hostNetwork")) return "false";
    if (!at && path == "status.replicas") return "0";
    return text_of(at);
}

}  // namespace kinds
