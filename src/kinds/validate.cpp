// Where validation starts: what all kinds share, then what the kind itself demands, in upstream's order. An update is
// checked as a new object would be and against what stood before, once for all kinds and once more by the kind, so
// that some causes come twice, as upstream reports them.
#include "kinds/validate.h"

#include <algorithm>
#include <cctype>

#include "object/selector.h"

namespace kinds {

bool equal(Ref a, Ref b) {
    if (!a || !b) return !a && !b;
    if (a.as_object() && b.as_object()) return *a.as_object() == *b.as_object();
    return a.value() && b.value() && *a.value() == *b.value();
}

void check_immutable(Checks& checks, const Path& at, Ref updated, Ref live) {
    if (!equal(updated, live)) checks.invalid(at, shown(updated), "field is immutable");
}

void check_not_negative(Checks& checks, const Path& at, std::int64_t value) {
    if (value < 0) checks.invalid(at, shown(value), "must be greater than or equal to 0");
}

static bool is_percent(std::string_view text) {
    if (text.size() < 2 || text.back() != '%') return false;
    return std::ranges::all_of(text.substr(0, text.size() - 1), [](unsigned char c) { return std::isdigit(c) != 0; });
}

bool check_count_or_percent(Checks& checks, const Path& at, Ref value) {
    if (const auto* text = value.value() ? value.value()->if_string() : nullptr) {
        if (is_percent(*text)) return true;
        checks.invalid(at, shown(value), "a valid percent string must be a numeric string followed by an ending '%'");
        return false;
    }
    if (value.num() >= 0) return true;
    check_not_negative(checks, at, value.num());
    return false;
}

void check_at_most_all(Checks& checks, const Path& at, Ref value) {
    if (is_percent(value.str()) && count_of(value) > 100)
        checks.invalid(at, shown(value), "must not be greater than 100%");
}

std::int64_t count_of(Ref value) {
    if (!is_percent(value.str())) return value.num();
    std::int64_t count = 0;
    for (const char c : value.str())
        if (c != '%' && count < 1'000'000) count = count * 10 + (c - '0');
    return count;
}

static void check_requirement(Checks& checks, const Path& at, Ref requirement, SelectorRules rules) {
    const auto op = requirement["operator"].str();
    if (op == "In" || op == "NotIn") {
        if (requirement["values"].size() == 0)
            checks.required(at / "values", "must be specified when `operator` is 'In' or 'NotIn'");
    } else if (op == "Exists" || op == "DoesNotExist") {
        if (requirement["values"].size() > 0)
            checks.forbidden(at / "values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    } else {
        checks.invalid(at / "operator", shown(op), "not a valid selector operator");
    }
    complain(checks, at / "key", requirement["key"].str(), qualified_name(requirement["key"].str()));
    if (!rules.values_checked) return;
    const auto& values = requirement["values"].items();
    for (std::size_t i = 0; i < values.size(); ++i)
        complain(checks, (at / "values")[i], Ref(values[i]).str(), label_value(Ref(values[i]).str()));
}

void check_label_selector(Checks& checks, const Path& at, Ref selector, SelectorRules rules) {
    if (!selector) return;
    check_labels(checks, at / "matchLabels", selector["matchLabels"]);
    const auto& requirements = selector["matchExpressions"].items();
    for (std::size_t i = 0; i < requirements.size(); ++i)
        check_requirement(checks, (at / "matchExpressions")[i], requirements[i], rules);
}

Causes validate_create(const object::Kind& kind, const json::object& object) {
    Checks checks;
    const auto* rule = find_rule(kind);
    check_metadata(checks, kind, rule ? rule->name : NameRule::subdomain, object);
    if (rule && rule->validate_create) rule->validate_create(checks, object);
    return checks.take();
}

static void check_update(Checks& checks, const object::Kind& kind, const Rule& rule, const UpdateCheck& update) {
    check_metadata_update(checks, update.updated, update.live);
    if (update.subresource == "status") {
        if (rule.validate_status) rule.validate_status(checks, update);
        return;
    }
    const auto order = rule.update_order;
    const bool change_before = order == UpdateOrder::change_first || order == UpdateOrder::change_only;
    if (change_before && rule.validate_update) rule.validate_update(checks, update);
    if (order == UpdateOrder::change_only) return;
    if (order == UpdateOrder::change_last) {
        check_metadata(checks, kind, rule.name, update.updated);
        if (rule.validate_update) rule.validate_update(checks, update);
        return;
    }
    if (order != UpdateOrder::spec_first) check_metadata(checks, kind, rule.name, update.updated);
    if (rule.validate_create) rule.validate_create(checks, update.updated);
    if (!change_before && rule.validate_update) rule.validate_update(checks, update);
}

Causes validate_update(const object::Kind& kind, const json::object& updated, const json::object& live,
                       std::string_view subresource) {
    Checks checks;
    check_metadata(checks, kind, NameRule::path_segment, updated);
    check_metadata_update(checks, updated, live);
    const UpdateCheck update{.updated = updated, .live = live, .subresource = subresource};
    if (const auto* rule = find_rule(kind)) check_update(checks, kind, *rule, update);
    return checks.take();
}

}  // namespace kinds
