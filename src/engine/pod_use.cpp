// Sums of resource requests. Rule: arithmetic on integers only, so that a full node is full to the last millicore.
#include "engine/pod_use.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>

namespace engine {

using object::Ref;

PodUse& PodUse::operator+=(const PodUse& other) {
    cpu_milli += other.cpu_milli;
    memory_bytes += other.memory_bytes;
    ephemeral_bytes += other.ephemeral_bytes;
    pods += other.pods;
    return *this;
}

PodUse& PodUse::operator-=(const PodUse& other) {
    cpu_milli -= other.cpu_milli;
    memory_bytes -= other.memory_bytes;
    ephemeral_bytes -= other.ephemeral_bytes;
    pods -= other.pods;
    return *this;
}

std::optional<std::int64_t> quantity_milli(std::string_view text) {
    const std::string copy(text);
    char* end = nullptr;
    const long double number = std::strtold(copy.c_str(), &end);
    if (end == copy.c_str()) return std::nullopt;
    static constexpr std::pair<std::string_view, long double> suffixes[] = {{"", 1e3L},
                                                                            {"n", 1e-6L},
                                                                            {"u", 1e-3L},
                                                                            {"m", 1},
                                                                            {"k", 1e6L},
                                                                            {"M", 1e9L},
                                                                            {"G", 1e12L},
                                                                            {"T", 1e15L},
                                                                            {"P", 1e18L},
                                                                            {"E", 1e21L},
                                                                            {"Ki", 1024e3L},
                                                                            {"Mi", 1048576e3L},
                                                                            {"Gi", 1073741824e3L},
                                                                            {"Ti", 1099511627776e3L},
                                                                            {"Pi", 1125899906842624e3L},
                                                                            {"Ei", 1152921504606846976e3L}};
    for (const auto& [suffix, factor] : suffixes)
        if (suffix == end) return static_cast<std::int64_t>(std::min(std::ceil(number * factor), 9e18L));
    return std::nullopt;
}

static std::int64_t milli_of(Ref quantity) {
    if (const auto text = quantity.str(); !text.empty()) return quantity_milli(text).value_or(0);
    return quantity.num() * 1000;
}

std::int64_t quantity_whole(Ref quantity) {
    const auto milli = milli_of(quantity);
    return milli / 1000 + (milli % 1000 > 0);
}

static PodUse of_list(Ref list) {
    return {.cpu_milli = milli_of(list["cpu"]),
            .memory_bytes = quantity_whole(list["memory"]),
            .ephemeral_bytes = quantity_whole(list["ephemeral-storage"])};
}

static void take_larger(PodUse& use, const PodUse& other) {
    use.cpu_milli = std::max(use.cpu_milli, other.cpu_milli);
    use.memory_bytes = std::max(use.memory_bytes, other.memory_bytes);
    use.ephemeral_bytes = std::max(use.ephemeral_bytes, other.ephemeral_bytes);
}

PodUse requests_of(Ref pod) {
    const auto spec = pod["spec"];
    PodUse running, starting, sidecars;
    for (const auto& container : spec["containers"].items())
        running += of_list(Ref(container)["resources"]["requests"]);
    for (const auto& container : spec["initContainers"].items()) {
        auto use = of_list(Ref(container)["resources"]["requests"]);
        if (Ref(container)["restartPolicy"].str() == "Always") {
            sidecars += use;
            take_larger(starting, sidecars);
        } else {
            use += sidecars;
            take_larger(starting, use);
        }
    }
    running += sidecars;
    take_larger(running, starting);
    const auto whole = spec["resources"]["requests"];
    if (whole["cpu"]) running.cpu_milli = milli_of(whole["cpu"]);
    if (whole["memory"]) running.memory_bytes = quantity_whole(whole["memory"]);
    running += of_list(spec["overhead"]);
    running.pods = 1;
    return running;
}

bool holds_resources(Ref pod) {
    const auto phase = pod["status"]["phase"].str();
    return phase != "Succeeded" && phase != "Failed";
}

}  // namespace engine
