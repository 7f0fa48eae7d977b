// Quantities in thousandths by 128 bit numbers, so that nothing is rounded twice.
#include "node/quantity.h"

#include <algorithm>
#include <array>
#include <utility>

namespace node {
namespace {

using object::Ref;

struct Scale {
    __int128 times = 1;  ///< of a thousandth
    __int128 over = 1;
};

constexpr __int128 power(__int128 base, int exponent) {
    __int128 result = 1;
    for (; exponent > 0; --exponent) result *= base;
    return result;
}

bool scale_of(std::string_view suffix, Scale& scale) {
    static constexpr std::array<std::pair<std::string_view, Scale>, 16> scales{{
        {"", {1000, 1}},
        {"n", {1, 1'000'000}},
        {"u", {1, 1000}},
        {"m", {1, 1}},
        {"k", {power(1000, 2), 1}},
        {"M", {power(1000, 3), 1}},
        {"G", {power(1000, 4), 1}},
        {"T", {power(1000, 5), 1}},
        {"P", {power(1000, 6), 1}},
        {"E", {power(1000, 7), 1}},
        {"Ki", {1000 * power(1024, 1), 1}},
        {"Mi", {1000 * power(1024, 2), 1}},
        {"Gi", {1000 * power(1024, 3), 1}},
        {"Ti", {1000 * power(1024, 4), 1}},
        {"Pi", {1000 * power(1024, 5), 1}},
        {"Ei", {1000 * power(1024, 6), 1}},
    }};
    for (const auto& [name, known] : scales) {
        if (name != suffix) continue;
        scale = known;
        return true;
    }
    if (suffix.size() < 2 || (suffix[0] != 'e' && suffix[0] != 'E')) return false;
    const bool negative = suffix[1] == '-';
    int exponent = 0;
    for (const char c : suffix.substr(suffix[1] == '-' || suffix[1] == '+' ? 2 : 1)) {
        if (c < '0' || c > '9' || exponent > 18) return false;
        exponent = exponent * 10 + (c - '0');
    }
    if (exponent > 18) return false;
    scale = negative ? Scale{1000, power(10, exponent)} : Scale{1000 * power(10, exponent), 1};
    return true;
}

__int128 ceil_div(__int128 value, __int128 by) { return value > 0 ? (value + by - 1) / by : value / by; }

Ref resource(Ref container, std::string_view list, std::string_view name) { return container["resources"][list][name]; }

bool is_sidecar(Ref container) { return container["restartPolicy"].str() == "Always"; }

std::int64_t milli_request(Ref container, std::string_view name) {
    const auto request = resource(container, "requests", name);
    return static_cast<std::int64_t>(milli(request ? request.str() : resource(container, "limits", name).str()));
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
    const auto limited = [&](const object::json::value& c) { return milli(resource(c, "limits", name).str()) > 0; };
    return std::ranges::all_of(spec["containers"].items(), limited) &&
           std::ranges::all_of(spec["initContainers"].items(), limited);
}

}  // namespace

__int128 milli(std::string_view text) {
    std::size_t at = 0;
    bool negative = false;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) negative = text[at++] == '-';
    __int128 digits = 0, fraction = 1;
    bool any = false, after_point = false;
    for (; at < text.size(); ++at) {
        if (text[at] == '.' && !after_point) {
            after_point = true;
            continue;
        }
        if (text[at] < '0' || text[at] > '9') break;
        any = true;
        if (digits > power(10, 18)) continue;  // far beyond any machine: stay clear of overflow
        digits = digits * 10 + (text[at] - '0');
        if (after_point) fraction *= 10;
    }
    Scale scale;
    if (!any || !scale_of(text.substr(at), scale)) return 0;
    constexpr __int128 most = power(10, 21);  // of thousandths: more than any machine has
    if (digits / fraction > most / scale.times) return negative ? -most : most;
    const auto value = ceil_div(digits * scale.times, fraction * scale.over);
    return negative ? -value : value;
}

std::int64_t units(std::string_view quantity) { return static_cast<std::int64_t>(ceil_div(milli(quantity), 1000)); }

std::int64_t divided(std::string_view quantity, std::string_view divisor) {
    const auto by = milli(divisor);
    return static_cast<std::int64_t>(ceil_div(milli(quantity), by > 0 ? by : 1000));
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
                const auto limit = static_cast<std::int64_t>(milli(resource(c, "limits", name).str()));
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

PodResources pod_resources(Ref spec) {
    PodResources all;
    all.milli_cpu_request = together(spec, [](Ref c) { return milli_request(c, "cpu"); });
    const auto limit = [](std::string_view name) {
        return [name](Ref c) { return static_cast<std::int64_t>(milli(resource(c, "limits", name).str())); };
    };
    if (all_limited(spec, "cpu")) all.milli_cpu_limit = together(spec, limit("cpu"));
    if (all_limited(spec, "memory")) all.memory_limit = (together(spec, limit("memory")) + 999) / 1000;
    return all;
}

}  // namespace node
