// Where validation starts: metadata, then what the kind itself demands, in upstream's order.
#include "kinds/rule.h"

namespace kinds {

Causes validate_create(const object::Kind& kind, const json::object& object) {
    Checks checks;
    const auto* rule = find_rule(kind);
    if (rule && rule->validate_create) rule->validate_create(checks, object);
    return checks.take();
}

Causes validate_update(const object::Kind& kind, const json::object& updated, const json::object& live,
                       std::string_view subresource) {
    Checks checks;
    const UpdateCheck update{.updated = updated, .live = live, .subresource = subresource};
    const auto* rule = find_rule(kind);
    if (!rule) return {};
    if (subresource == "status") {
        if (rule->validate_status) rule->validate_status(checks, update);
    } else if (rule->validate_update) {
        rule->validate_update(checks, update);
    }
    return checks.take();
}

}  // namespace kinds
