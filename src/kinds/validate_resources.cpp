// Validation of requests, limits and resource names.
#include <algorithm>
#include <array>
#include <string>

#include "kinds/resources.h"
#include "kinds/validate_pod.h"

namespace kinds {

static bool is_huge(std::string_view name) { return name.starts_with("hugepages-"); }
/// Names without a domain, or in Kubernetes' own.
static bool is_native(std::string_view name) {
    return name.find('/') == std::string_view::npos || name.find("kubernetes.io/") != std::string_view::npos;
}
static bool is_extended(std::string_view name) {
    return !is_native(name) && !name.starts_with("requests.") &&
           qualified_name("requests." + std::string(name)).empty();
}
/// More may be promised than there is.
static bool is_overcommitted(std::string_view name) { return is_native(name) && !is_huge(name); }

static bool is_standard(std::string_view name) {
    static constexpr std::array<std::string_view, 22> names{"cpu",
                                                            "memory",
                                                            "ephemeral-storage",
                                                            "requests.cpu",
                                                            "requests.memory",
                                                            "requests.ephemeral-storage",
                                                            "limits.cpu",
                                                            "limits.memory",
                                                            "limits.ephemeral-storage",
                                                            "pods",
                                                            "resourcequotas",
                                                            "services",
                                                            "replicationcontrollers",
                                                            "secrets",
                                                            "persistentvolumeclaims",
                                                            "configmaps",
                                                            "storage",
                                                            "requests.storage",
                                                            "services.nodeports",
                                                            "services.loadbalancers",
                                                            "limits.storage",
                                                            "bindings"};
    return is_huge(name) || std::ranges::find(names, name) != names.end();
}

void check_resource_name(Checks& checks, const Path& at, std::string_view name) {
    complain(checks, at, name, qualified_name(name));
    if (name.find('/') == std::string_view::npos && !is_standard(name))
        checks.invalid(at, shown(name), "must be a standard resource type or fully qualified");
}

static void check_container_resource_name(Checks& checks, const Path& at, std::string_view name) {
    check_resource_name(checks, at, name);
    if (name.find('/') == std::string_view::npos) {
        if (name != "cpu" && name != "memory" && name != "ephemeral-storage" && !is_huge(name))
            checks.invalid(at, shown(name), "must be a standard resource for containers");
    } else if (!is_native(name) && !is_extended(name)) {
        checks.invalid(at, shown(name), "doesn't follow extended resource name standard");
    }
}

void check_quantity(Checks& checks, const Path& at, std::string_view name, Ref quantity) {
    const auto amount = amount_of(quantity);
    if (amount.sign() < 0) checks.invalid(at, shown(quantity), "must be greater than or equal to 0");
    if (is_extended(name) && !amount.is_whole()) checks.invalid(at, shown(quantity), "must be an integer");
}

/// Huge pages come whole.
static void check_pages(Checks& checks, const Path& at, std::string_view name, Ref quantity) {
    if (!is_huge(name)) return;
    const auto page = base::Quantity::parse(name.substr(name.find('-') + 1));
    const bool whole = page && page->sign() > 0 && page->is_whole() && amount_of(quantity).value() % page->value() == 0;
    if (!whole) checks.invalid(at, shown(quantity), "is not positive integer multiple of " + std::string(name));
}

static void check_request(Checks& checks, const Path& at, std::string_view name, Ref request, Ref limits) {
    const Ref limit = limits[name];
    if (limit.missing()) {
        if (!is_overcommitted(name))
            checks.required(at / "limits", "Limit must be set for non overcommitable resources");
        return;
    }
    const auto asked = amount_of(request);
    const auto most = amount_of(limit);
    if (asked != most && !is_overcommitted(name))
        checks.invalid(at / "requests", shown(request),
                       "must be equal to " + std::string(name) + " limit of " + most.text());
    else if (asked > most)
        checks.invalid(at / "requests", shown(request),
                       "must be less than or equal to " + std::string(name) + " limit of " + most.text());
}

void check_resources(Checks& checks, const Path& at, Ref resources) {
    bool computes = false;
    bool huge = false;
    for (const auto* list : {"limits", "requests"}) {
        for (const auto& entry : resources[list].members()) {
            const std::string_view name(entry.key());
            const auto place = (at / list).key(name);
            check_container_resource_name(checks, place, name);
            check_quantity(checks, place, name, entry.value());
            if (list == std::string_view("requests"))
                check_request(checks, at, name, entry.value(), resources["limits"]);
            check_pages(checks, place, name, entry.value());
            computes |= name == "cpu" || name == "memory";
            huge |= is_huge(name);
        }
    }
    if (huge && !computes) checks.forbidden(at, "HugePages require cpu or memory");
}

void check_container_resources(Checks& checks, const Path& at, Ref container, Ref spec) {
    const Ref resources = container["resources"];
    check_resources(checks, at, resources);
    const auto& claims = resources["claims"].items();
    for (std::size_t i = 0; i < claims.size(); ++i) {
        const auto name = Ref(claims[i])["name"].str();
        const auto place = (at / "claims")[i];
        const auto& known = spec["resourceClaims"].items();
        const auto same = [&](const json::value& claim) { return Ref(claim)["name"].str() == name; };
        if (name.empty())
            checks.required(place);
        else if (std::ranges::none_of(known, same))
            checks.not_found(place, shown(name));
    }
}

/// What all containers ask for together; an init container asks alone, sidecars beside the rest.
static ResourceList asked_together(Ref spec) {
    ResourceList sum;
    ResourceList peak;
    for (const auto& container : spec["containers"].items())
        for (const auto& entry : Ref(container)["resources"]["requests"].members())
            sum.add(entry.key(), amount_of(Ref(entry.value())));
    ResourceList sidecars;
    for (const auto& container : spec["initContainers"].items()) {
        const bool stays = Ref(container)["restartPolicy"].str() == "Always";
        for (const auto& entry : Ref(container)["resources"]["requests"].members()) {
            const auto amount = amount_of(Ref(entry.value()));
            if (stays) {
                sum.add(entry.key(), amount);
                sidecars.add(entry.key(), amount);
            } else {
                peak.raise(entry.key(), sidecars.get(entry.key()) + amount);
            }
        }
    }
    for (const auto& [name, amount] : peak.amounts()) sum.raise(name, amount);
    return sum;
}

void check_pod_resources(Checks& checks, const Path& at, Ref spec) {
    const Ref resources = spec["resources"];
    if (!resources) return;
    for (const auto* list : {"limits", "requests"})
        for (const auto& entry : resources[list].members())
            if (const std::string_view name(entry.key()); name != "cpu" && name != "memory" && !is_huge(name))
                checks.unsupported((at / list).key(name), shown(name), {"cpu", "hugepages-", "memory"});
    check_resources(checks, at, resources);
    const auto together = asked_together(spec);
    for (const auto& entry : resources["requests"].members()) {
        const auto needed = together.get(entry.key());
        if (amount_of(Ref(entry.value())) < needed)
            checks.invalid((at / "requests").key(entry.key()), shown(Ref(entry.value())),
                           "must be greater than or equal to aggregate container requests of " + needed.text());
    }
}

}  // namespace kinds
