// Validation of budgets, quotas, limits, autoscalers and priorities.
#include <algorithm>
#include <array>
#include <set>
#include <string>

#include "kinds/resources.h"
#include "kinds/validate.h"

namespace kinds {

void validate_disruption_budget(Checks& checks, Ref object) {
    const Path at("spec");
    const Ref spec = object["spec"];
    if (spec["minAvailable"] && spec["maxUnavailable"])
        checks.invalid(at, shown(spec), "minAvailable and maxUnavailable cannot be both set");
    for (const auto* field : {"minAvailable", "maxUnavailable"}) {
        if (!spec[field]) continue;
        check_count_or_percent(checks, at / field, spec[field]);
        check_at_most_all(checks, at / field, spec[field]);
    }
    check_label_selector(checks, at / "selector", spec["selector"]);
    if (spec["unhealthyPodEvictionPolicy"])
        checks.one_of(at / "unhealthyPodEvictionPolicy", spec["unhealthyPodEvictionPolicy"],
                      {"IfHealthyBudget", "AlwaysAllow"});
}

namespace {

constexpr std::array<std::string_view, 11> compute_resources{"cpu",
                                                             "memory",
                                                             "ephemeral-storage",
                                                             "requests.cpu",
                                                             "requests.memory",
                                                             "requests.ephemeral-storage",
                                                             "limits.cpu",
                                                             "limits.memory",
                                                             "limits.ephemeral-storage",
                                                             "requests.storage",
                                                             "pods"};
constexpr std::array<std::string_view, 9> counted_objects{
    "resourcequotas",         "services",           "replicationcontrollers", "secrets", "configmaps",
    "persistentvolumeclaims", "services.nodeports", "services.loadbalancers", "pods"};

bool contains(std::span<const std::string_view> names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
}

bool is_quota_resource(std::string_view name) {
    return contains(compute_resources, name) || contains(counted_objects, name) ||
           name.starts_with("requests.hugepages-") || name.starts_with("hugepages-");
}

/// Whether a quota of that scope can count that resource.
bool scope_fits(std::string_view scope, std::string_view resource) {
    if (scope == "BestEffort") return resource == "pods";
    const bool of_pods = scope == "Terminating" || scope == "NotTerminating" || scope == "NotBestEffort" ||
                         scope == "PriorityClass" || scope == "CrossNamespacePodAffinity";
    return !of_pods || (contains(compute_resources, resource) && resource != "requests.storage");
}

bool is_scope(std::string_view scope) {
    static constexpr std::array<std::string_view, 7> scopes{"Terminating",          "NotTerminating",
                                                            "BestEffort",           "NotBestEffort",
                                                            "PriorityClass",        "CrossNamespacePodAffinity",
                                                            "VolumeAttributesClass"};
    return contains(scopes, scope);
}

void check_hard(Checks& checks, Ref hard) {
    std::set<std::string> names;
    for (const auto& entry : hard.members()) names.emplace(entry.key());
    for (const auto& name : names) {
        const auto at = Path("spec.hard").key(name);
        const auto amount = amount_of(hard[name]);
        check_resource_name(checks, at, name);
        if (name.find('/') == std::string::npos && !is_quota_resource(name))
            checks.invalid(at, shown(std::string_view(name)), "isn't a standard resource for quotas");
        if (amount.sign() < 0) checks.invalid(at, shown(hard[name]), "must be greater than or equal to 0");
        if (contains(counted_objects, name) && !amount.is_whole())
            checks.invalid(at, shown(hard[name]), "must be an integer");
    }
}

void check_scopes(Checks& checks, Ref spec) {
    const Path at("spec.scopes");
    std::set<std::string> given;
    for (const auto& item : spec["scopes"].items()) {
        const auto scope = Ref(item).str();
        if (!is_scope(scope)) checks.invalid(at, shown(spec["scopes"]), "unsupported scope");
        for (const auto& entry : spec["hard"].members())
            if (is_quota_resource(entry.key()) && !scope_fits(scope, entry.key()))
                checks.invalid(at, shown(spec["scopes"]), "unsupported scope applied to resource");
        given.emplace(scope);
    }
    for (const auto& [one, other] :
         {std::pair("BestEffort", "NotBestEffort"), std::pair("Terminating", "NotTerminating")})
        if (given.contains(one) && given.contains(other))
            checks.invalid(at, shown(spec["scopes"]), "conflicting scopes");
}

void check_scope_selector(Checks& checks, Ref spec) {
    const Path at("spec.scopeSelector.matchExpressions");
    for (const auto& item : spec["scopeSelector"]["matchExpressions"].items()) {
        const Ref expression(item);
        const auto scope = expression["scopeName"].str();
        const auto op = expression["operator"].str();
        if (!is_scope(scope)) checks.invalid(at / "scopeName", shown(scope), "unsupported scope");
        for (const auto& entry : spec["hard"].members())
            if (is_quota_resource(entry.key()) && !scope_fits(scope, entry.key()))
                checks.invalid(at, shown(expression), "unsupported scope applied to resource");
        const bool only_exists = scope == "BestEffort" || scope == "NotBestEffort" || scope == "Terminating" ||
                                 scope == "NotTerminating" || scope == "CrossNamespacePodAffinity";
        if (only_exists && op != "Exists")
            checks.invalid(at / "operator", shown(op), "must be 'Exist' when scope is any of these kinds");
        const auto count = expression["values"].size();
        if (op == "In" || op == "NotIn") {
            if (count == 0)
                checks.required(at / "values", "must be at least one value when `operator` is 'In' or 'NotIn'");
        } else if (op == "Exists" || op == "DoesNotExist") {
            if (count > 0)
                checks.invalid(at / "values", shown(expression["values"]),
                               "must be no value when `operator` is 'Exist' or 'DoesNotExist'");
        } else {
            checks.invalid(at / "operator", shown(op), "not a valid selector operator");
        }
    }
}

}  // namespace

void validate_quota(Checks& checks, Ref object) {
    check_hard(checks, object["spec"]["hard"]);
    check_scopes(checks, object["spec"]);
    check_scope_selector(checks, object["spec"]);
}

void validate_quota_update(Checks& checks, const UpdateCheck& update) {
    check_immutable(checks, "spec.scopes", update.updated["spec"]["scopes"], update.live["spec"]["scopes"]);
}

static void check_metric_target(Checks& checks, const Path& at, Ref target) {
    if (target["type"].str().empty())
        checks.required(at / "type", "must specify a metric target type");
    else
        checks.one_of(at / "type", target["type"], {"Utilization", "Value", "AverageValue"});
    if (const Ref use = target["averageUtilization"]; use && use.num() < 1)
        checks.invalid(at / "averageUtilization", shown(use), "must be greater than 0");
    for (const auto* field : {"value", "averageValue"})
        if (const Ref value = target[field]; value && amount_of(value).sign() <= 0)
            checks.invalid(at / field, shown(value), "must be positive");
}

static void check_metric(Checks& checks, const Path& at, Ref metric) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 5> sources{
        {{"Object", "object"},
         {"Pods", "pods"},
         {"Resource", "resource"},
         {"ContainerResource", "containerResource"},
         {"External", "external"}}};
    const auto type = metric["type"].str();
    if (type.empty()) return checks.required(at / "type", "must specify a metric source type");
    checks.one_of(at / "type", metric["type"], {"Object", "Pods", "Resource", "ContainerResource", "External"});
    for (const auto& [name, field] : sources) {
        const Ref source = metric[field];
        if (name == type && !source)
            checks.required(at / field, "must populate information for the given metric source");
        if (name != type && source) checks.forbidden(at / field, "must populate the given metric source only");
        if (name != type || !source) continue;
        const bool named = name == "Resource" || name == "ContainerResource";
        if (named && source["name"].str().empty()) checks.required(at / field / "name", "must specify a resource name");
        if (!named && source["metric"]["name"].str().empty())
            checks.required(at / field / "metric" / "name", "must specify a metric name");
        if (name == "ContainerResource" && source["container"].str().empty())
            checks.required(at / field / "container", "must specify a container");
        check_metric_target(checks, at / field / "target", source["target"]);
        const Ref target = source["target"];
        if (named && !target["averageUtilization"] && !target["averageValue"])
            checks.required(at / field / "target" / "averageUtilization",
                            "must set either a target raw value or a target utilization");
    }
}

static void check_scaling_rules(Checks& checks, const Path& at, Ref rules) {
    if (!rules) return;
    if (const Ref window = rules["stabilizationWindowSeconds"]; window && (window.num() < 0 || window.num() > 3600))
        checks.invalid(at / "stabilizationWindowSeconds", shown(window), "must be between 0 and 3600");
    if (rules["selectPolicy"]) checks.one_of(at / "selectPolicy", rules["selectPolicy"], {"Max", "Min", "Disabled"});
    const auto& policies = rules["policies"].items();
    if (policies.empty()) checks.required(at / "policies", "must specify at least one Policy");
    for (std::size_t i = 0; i < policies.size(); ++i) {
        const Ref policy(policies[i]);
        const auto place = (at / "policies")[i];
        checks.one_of(place / "type", policy["type"], {"Pods", "Percent"});
        if (policy["value"].num() <= 0)
            checks.invalid(place / "value", shown(policy["value"].num()), "must be greater than zero");
        const auto period = policy["periodSeconds"].num();
        if (period <= 0) checks.invalid(place / "periodSeconds", shown(period), "must be greater than zero");
        if (period > 1800) checks.invalid(place / "periodSeconds", shown(period), "must be less than or equal to 1800");
    }
}

void validate_autoscaler(Checks& checks, Ref object) {
    const Path at("spec");
    const Ref spec = object["spec"];
    const auto most = spec["maxReplicas"].num();
    if (const Ref least = spec["minReplicas"]; least && least.num() < 1)
        checks.invalid(at / "minReplicas", shown(least), "must be greater than or equal to 1");
    if (most < 1) checks.invalid(at / "maxReplicas", shown(most), "must be greater than 0");
    if (const Ref least = spec["minReplicas"]; least && most < least.num())
        checks.invalid(at / "maxReplicas", shown(most), "must be greater than or equal to `minReplicas`");
    for (const auto* field : {"kind", "name"}) {
        const auto text = spec["scaleTargetRef"][field].str();
        if (text.empty())
            checks.required(at / "scaleTargetRef" / field);
        else
            complain(checks, at / "scaleTargetRef" / field, text, path_segment(text));
    }
    const auto& metrics = spec["metrics"].items();
    for (std::size_t i = 0; i < metrics.size(); ++i) check_metric(checks, (at / "metrics")[i], metrics[i]);
    check_scaling_rules(checks, at / "behavior" / "scaleUp", spec["behavior"]["scaleUp"]);
    check_scaling_rules(checks, at / "behavior" / "scaleDown", spec["behavior"]["scaleDown"]);
}

void validate_priority_class(Checks& checks, Ref object) {
    constexpr std::int64_t user_max = 1'000'000'000;
    const auto name = object["metadata"]["name"].str();
    const bool system = name == "system-node-critical" || name == "system-cluster-critical";
    const auto value = object["value"].num();
    if (name.starts_with("system-") && !system)
        checks.forbidden("metadata.name",
                         "priority class names with 'system-' prefix are reserved for system use only");
    if (value > user_max && !system)
        checks.forbidden("value", "maximum allowed value of a user defined priority is 1000000000");
    if (object["preemptionPolicy"])
        checks.one_of("preemptionPolicy", object["preemptionPolicy"], {"Never", "PreemptLowerPriority"});
}

void validate_priority_class_update(Checks& checks, const UpdateCheck& update) {
    if (update.updated["value"].num() != update.live["value"].num())
        checks.forbidden("value", "may not be changed in an update.");
    check_immutable(checks, "preemptionPolicy", update.updated["preemptionPolicy"], update.live["preemptionPolicy"]);
}

void validate_runtime_class(Checks& checks, Ref object) {
    const auto handler = object["handler"].str();
    complain(checks, "handler", handler, dns_label(handler));
}

void validate_runtime_class_update(Checks& checks, const UpdateCheck& update) {
    check_immutable(checks, "handler", update.updated["handler"], update.live["handler"]);
}

}  // namespace kinds
