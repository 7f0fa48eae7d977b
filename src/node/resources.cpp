// The kubelet's arithmetic of containers' resources.
#include "node/resources.h"

#include <algorithm>

#include "base/quantity.h"
#include "engine/pod_use.h"

namespace node {
namespace {

using engine::quantity_milli;
using engine::quantity_whole;
using object::Ref;

Ref resource(Ref container, std::string_view list, std::string_view name) { return container["resources"][list][name]; }

bool is_sidecar(Ref container) { return container["restartPolicy"].str() == "Always"; }

std::int64_t milli_request(Ref container, std::string_view name) {
    const auto request = resource(container, "requests", name);
    return quantity_milli(request ? request : resource(container, "limits", name));
}

/// Sum of the mains and sidecars against the largest init container that runs beside earlier sidecars.
template <class Amount>
std::int64_t together(Ref spec, Amount amount) {
    std::int64_t running = 0, largest_init = 0;
    for (const Ref init : spec["initContainers"].items()) {
        if (is_sidecar(init))
            running += amount(init);
        else
            largest_init = std::max(largest_init, running + amount(init));
    }
    for (const Ref main : spec["containers"].items()) running += amount(main);
    return std::max(running, largest_init);
}

bool all_limited(Ref spec, std::string_view name) {
    const auto limited = [&](const object::json::value& c) { return quantity_milli(resource(c, "limits", name)) > 0; };
    return std::ranges::all_of(spec["containers"].items(), limited) &&
           std::ranges::all_of(spec["initContainers"].items(), limited);
}

PodResources containers_resources(Ref spec) {
    PodResources all;
    all.milli_cpu_request = together(spec, [](Ref c) { return milli_request(c, "cpu"); });
    if (all_limited(spec, "cpu"))
        all.milli_cpu_limit = together(spec, [](Ref c) { return quantity_milli(resource(c, "limits", "cpu")); });
    if (all_limited(spec, "memory"))
        all.memory_limit = together(spec, [](Ref c) { return quantity_whole(resource(c, "limits", "memory")); });
    return all;
}

}  // namespace

std::int64_t divided(std::string_view quantity, std::string_view divisor) {
    const auto amount = base::Quantity::parse(quantity).value_or(base::Quantity());
    auto by = base::Quantity::parse(divisor).value_or(base::Quantity());
    if (by.sign() <= 0) by = base::Quantity::of(1);
    const bool whole = amount.is_whole() && by.is_whole();
    const auto value = whole ? amount.value() : amount.milli_value();
    const auto part = whole ? by.value() : by.milli_value();
    return value / part + (value % part > 0 ? 1 : 0);
}

std::int64_t cpu_shares(std::int64_t milli_cpu) {
    return std::clamp<std::int64_t>(milli_cpu * 1024 / 1000, 2, 262'144);
}

std::int64_t cpu_quota_us(std::int64_t milli_cpu) {
    return milli_cpu <= 0 ? 0 : std::max<std::int64_t>(milli_cpu * 100, 1000);
}

Qos qos_of(Ref pod) {
    const auto stated = pod["status"]["qosClass"].str();
    if (stated == "Guaranteed") return Qos::guaranteed;
    if (stated == "Burstable") return Qos::burstable;
    if (stated == "BestEffort") return Qos::best_effort;
    bool any = false, all_equal = true;
    for (const auto list : {"containers", "initContainers"}) {
        for (const Ref c : pod["spec"][list].items()) {
            for (const auto name : {"cpu", "memory"}) {
                const auto request = milli_request(c, name);
                const auto limit = quantity_milli(resource(c, "limits", name));
                any = any || request > 0 || limit > 0;
                all_equal = all_equal && limit > 0 && request == limit;
            }
        }
    }
    return !any ? Qos::best_effort : all_equal ? Qos::guaranteed : Qos::burstable;
}

std::string_view cgroup_name(Qos qos) {
    return qos == Qos::guaranteed ? "guaranteed" : qos == Qos::burstable ? "burstable" : "besteffort";
}

std::int64_t oom_score_adj(Qos qos, std::int64_t memory_request, std::int64_t memory_capacity) {
    if (qos == Qos::guaranteed) return -997;
    if (qos == Qos::best_effort || memory_capacity <= 0) return 1000;
    const auto score = 1000 - static_cast<std::int64_t>(__int128{1000} * memory_request / memory_capacity);
    return std::clamp<std::int64_t>(score, 3, 999);
}

Ref limit_of(Ref pod_spec, Ref container, std::string_view name) {
    const auto own = resource(container, "limits", name);
    return quantity_milli(own) > 0 ? own : resource(pod_spec, "limits", name);
}

PodResources pod_resources(Ref spec) {
    PodResources all = containers_resources(spec);
    if (const auto request = milli_request(spec, "cpu"); request > 0) all.milli_cpu_request = request;
    if (const auto limit = quantity_milli(resource(spec, "limits", "cpu")); limit > 0) all.milli_cpu_limit = limit;
    if (const auto limit = quantity_whole(resource(spec, "limits", "memory")); limit > 0) all.memory_limit = limit;
    return all;
}

}  // namespace node
