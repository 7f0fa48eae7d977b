// Validation of where a pod may go and how it finds names: affinity, spreading, tolerations, DNS.
#include <algorithm>
#include <set>
#include <string>

#include "kinds/validate_pod.h"

namespace kinds {

static constexpr const char* required_terms = "requiredDuringSchedulingIgnoredDuringExecution";
static constexpr const char* preferred_terms = "preferredDuringSchedulingIgnoredDuringExecution";

/// What is only preferred may hold values that no label can have.
enum class Terms : std::uint8_t { required, preferred };

static void check_node_requirement(Checks& checks, const Path& at, Ref requirement, Terms terms) {
    const auto op = requirement["operator"].str();
    const auto count = requirement["values"].size();
    if (op == "In" || op == "NotIn") {
        if (count == 0) checks.required(at / "values", "must be specified when `operator` is 'In' or 'NotIn'");
    } else if (op == "Exists" || op == "DoesNotExist") {
        if (count > 0)
            checks.forbidden(at / "values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    } else if (op == "Gt" || op == "Lt") {
        if (count != 1)
            checks.required(at / "values", "must be specified single value when `operator` is 'Lt' or 'Gt'");
    } else {
        checks.invalid(at / "operator", shown(op), "not a valid selector operator");
    }
    complain(checks, at / "key", requirement["key"].str(), qualified_name(requirement["key"].str()));
    if (terms == Terms::preferred) return;
    const auto& values = requirement["values"].items();
    for (std::size_t i = 0; i < values.size(); ++i)
        complain(checks, (at / "values")[i], Ref(values[i]).str(), label_value(Ref(values[i]).str()));
}

static void check_node_field(Checks& checks, const Path& at, Ref requirement) {
    const auto op = requirement["operator"].str();
    if (op != "In" && op != "NotIn")
        checks.invalid(at / "operator", shown(op), "not a valid selector operator");
    else if (requirement["values"].size() != 1)
        checks.required(at / "values",
                        "must be only one value when `operator` is 'In' or 'NotIn' for node field selector");
    if (const auto key = requirement["key"].str(); key != "metadata.name")
        return checks.invalid(at / "key", shown(key), "not a valid field selector key");
    const auto& values = requirement["values"].items();
    for (std::size_t i = 0; i < values.size(); ++i)
        complain(checks, (at / "values")[i], Ref(values[i]).str(), dns_subdomain(Ref(values[i]).str()));
}

static void check_node_term(Checks& checks, const Path& at, Ref term, Terms terms) {
    const auto& expressions = term["matchExpressions"].items();
    for (std::size_t i = 0; i < expressions.size(); ++i)
        check_node_requirement(checks, (at / "matchExpressions")[i], expressions[i], terms);
    const auto& fields = term["matchFields"].items();
    for (std::size_t i = 0; i < fields.size(); ++i) check_node_field(checks, (at / "matchFields")[i], fields[i]);
}

static void check_weight(Checks& checks, const Path& at, Ref weighted) {
    const auto weight = weighted["weight"].num();
    if (weight < 1 || weight > 100) checks.invalid(at / "weight", shown(weight), "must be in the range 1-100");
}

static void check_node_affinity(Checks& checks, const Path& at, Ref affinity) {
    if (const Ref required = affinity[required_terms]) {
        const auto place = at / required_terms / "nodeSelectorTerms";
        const auto& terms = required["nodeSelectorTerms"].items();
        if (terms.empty()) checks.required(place, "must have at least one node selector term");
        for (std::size_t i = 0; i < terms.size(); ++i) check_node_term(checks, place[i], terms[i], Terms::required);
    }
    const auto& preferred = affinity[preferred_terms].items();
    for (std::size_t i = 0; i < preferred.size(); ++i) {
        check_weight(checks, (at / preferred_terms)[i], preferred[i]);
        check_node_term(checks, (at / preferred_terms)[i] / "preference", Ref(preferred[i])["preference"],
                        Terms::preferred);
    }
}

/// Labels of the pod itself that a selector takes up: there must be one.
static void check_label_keys(Checks& checks, const Path& at, Ref keys, Ref selector) {
    const auto& items = keys.items();
    if (items.empty()) return;
    if (!selector) return checks.forbidden(at, "must not be specified when labelSelector is not set");
    for (std::size_t i = 0; i < items.size(); ++i)
        complain(checks, at[i], Ref(items[i]).str(), qualified_name(Ref(items[i]).str()));
}

static void check_pod_term(Checks& checks, const Path& at, Ref term) {
    check_label_selector(checks, at / "labelSelector", term["labelSelector"]);
    check_label_selector(checks, at / "namespaceSelector", term["namespaceSelector"]);
    for (const auto& item : term["namespaces"].items())
        complain(checks, at / "namespace", Ref(item).str(), dns_label(Ref(item).str()));
    check_label_keys(checks, at / "matchLabelKeys", term["matchLabelKeys"], term["labelSelector"]);
    check_label_keys(checks, at / "mismatchLabelKeys", term["mismatchLabelKeys"], term["labelSelector"]);
    const auto& matched = term["matchLabelKeys"].items();
    const auto& mismatched = term["mismatchLabelKeys"].items();
    for (std::size_t i = 0; i < matched.size(); ++i)
        if (std::ranges::find(mismatched, matched[i]) != mismatched.end())
            checks.invalid((at / "matchLabelKeys")[i], shown(matched[i]),
                           "exists in both matchLabelKeys and mismatchLabelKeys");
    const auto key = term["topologyKey"].str();
    if (key.empty()) checks.required(at / "topologyKey", "can not be empty");
    complain(checks, at / "topologyKey", key, qualified_name(key));
}

static void check_pod_affinity(Checks& checks, const Path& at, Ref affinity) {
    const auto& required = affinity[required_terms].items();
    for (std::size_t i = 0; i < required.size(); ++i) check_pod_term(checks, (at / required_terms)[i], required[i]);
    const auto& preferred = affinity[preferred_terms].items();
    for (std::size_t i = 0; i < preferred.size(); ++i) {
        check_weight(checks, (at / preferred_terms)[i], preferred[i]);
        check_pod_term(checks, (at / preferred_terms)[i] / "podAffinityTerm", Ref(preferred[i])["podAffinityTerm"]);
    }
}

void check_affinity(Checks& checks, const Path& at, Ref affinity) {
    if (affinity["nodeAffinity"]) check_node_affinity(checks, at / "nodeAffinity", affinity["nodeAffinity"]);
    if (affinity["podAffinity"]) check_pod_affinity(checks, at / "podAffinity", affinity["podAffinity"]);
    if (affinity["podAntiAffinity"]) check_pod_affinity(checks, at / "podAntiAffinity", affinity["podAntiAffinity"]);
}

void check_spread(Checks& checks, const Path& at, Ref constraints) {
    std::set<std::string> seen;
    const auto& items = constraints.items();
    for (std::size_t i = 0; i < items.size(); ++i) {
        const Ref constraint(items[i]);
        const auto key = constraint["topologyKey"].str();
        const auto when = constraint["whenUnsatisfiable"].str();
        if (const auto skew = constraint["maxSkew"].num(); skew <= 0)
            checks.invalid(at[i] / "maxSkew", shown(skew), "must be greater than zero");
        if (key.empty())
            checks.required(at[i] / "topologyKey", "can not be empty");
        else
            complain(checks, at[i] / "topologyKey", key, qualified_name(key));
        checks.one_of(at[i] / "whenUnsatisfiable", constraint["whenUnsatisfiable"],
                      {"DoNotSchedule", "ScheduleAnyway"});
        const auto pair = "{" + std::string(key) + ", " + std::string(when) + "}";
        if (!seen.insert(pair).second)
            checks.duplicate(at[i] / "{topologyKey, whenUnsatisfiable}", shown(std::string_view(pair)));
        if (const Ref domains = constraint["minDomains"]) {
            if (domains.num() <= 0) checks.invalid(at[i] / "minDomains", shown(domains), "must be greater than zero");
            if (when != "DoNotSchedule")
                checks.invalid(at[i] / "minDomains", shown(domains),
                               "can only use minDomains if whenUnsatisfiable=DoNotSchedule");
        }
        for (const auto* policy : {"nodeAffinityPolicy", "nodeTaintsPolicy"})
            if (constraint[policy]) checks.one_of(at[i] / policy, constraint[policy], {"Honor", "Ignore"});
        check_label_keys(checks, at[i] / "matchLabelKeys", constraint["matchLabelKeys"], constraint["labelSelector"]);
        check_label_selector(checks, at[i] / "labelSelector", constraint["labelSelector"]);
    }
}

void check_tolerations(Checks& checks, const Path& at, Ref tolerations) {
    const auto& items = tolerations.items();
    for (std::size_t i = 0; i < items.size(); ++i) {
        const Ref toleration(items[i]);
        const auto key = toleration["key"].str();
        const auto op = toleration["operator"].str();
        const auto value = toleration["value"].str();
        const auto effect = toleration["effect"].str();
        if (!key.empty()) complain(checks, at[i] / "key", key, qualified_name(key));
        if (key.empty() && op != "Exists")
            checks.invalid(
                at[i] / "operator", shown(op),
                "operator must be Exists when `key` is empty, which means \"match all values and all keys\"");
        if (toleration["tolerationSeconds"] && effect != "NoExecute")
            checks.invalid(at[i] / "effect", shown(effect),
                           "effect must be 'NoExecute' when `tolerationSeconds` is set");
        if (op.empty() || op == "Equal")
            complain(checks, at[i] / "operator", value, label_value(value));
        else if (op != "Exists")
            checks.unsupported(at[i] / "operator", shown(op), {"Equal", "Exists"});
        else if (!value.empty())
            checks.invalid(at[i] / "operator", shown(toleration), "value must be empty when `operator` is 'Exists'");
        if (!effect.empty())
            checks.one_of(at[i] / "effect", toleration["effect"], {"NoSchedule", "PreferNoSchedule", "NoExecute"});
    }
}

void check_dns(Checks& checks, const Path& at, Ref spec) {
    constexpr std::size_t servers_max = 3;
    constexpr std::size_t searches_max = 32;
    const Ref config = spec["dnsConfig"];
    const auto place = at / "dnsConfig";
    if (spec["dnsPolicy"].str() == "None") {
        if (!config) return checks.required(place, "must provide `dnsConfig` when `dnsPolicy` is None");
        if (config["nameservers"].size() == 0)
            return checks.required(place / "nameservers",
                                   "must provide at least one DNS nameserver when `dnsPolicy` is None");
    }
    const auto& servers = config["nameservers"].items();
    if (servers.size() > servers_max)
        checks.invalid(place / "nameservers", shown(config["nameservers"]), "must not have more than 3 nameservers");
    for (std::size_t i = 0; i < servers.size(); ++i)
        complain(checks, (place / "nameservers")[i], Ref(servers[i]).str(), ip_address(Ref(servers[i]).str()));
    const auto& searches = config["searches"].items();
    if (searches.size() > searches_max)
        checks.invalid(place / "searches", shown(config["searches"]), "must not have more than 32 search paths");
    for (std::size_t i = 0; i < searches.size(); ++i) {
        auto search = Ref(searches[i]).str();
        if (search == ".") continue;
        if (search.ends_with('.')) search.remove_suffix(1);
        std::string plain(search);
        std::ranges::replace(plain, '_', '-');
        if (!dns_subdomain("a" + plain + "a").empty())
            checks.invalid((place / "searches")[i], shown(search), dns_subdomain("a" + plain + "a").front());
    }
    const auto& options = config["options"].items();
    for (std::size_t i = 0; i < options.size(); ++i)
        if (Ref(options[i])["name"].str().empty()) checks.required((place / "options")[i], "must not be empty");
}

}  // namespace kinds
