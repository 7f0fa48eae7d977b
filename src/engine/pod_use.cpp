// Sums of resource requests. Rule: arithmetic on integers only, so that a full node is full to the last millicore.
#include "engine/pod_use.h"

#include <algorithm>

#include "base/quantity.h"

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

static base::Quantity amount(Ref quantity) {
    if (const auto text = quantity.str(); !text.empty())
        return base::Quantity::parse(text).value_or(base::Quantity::of(0));
    return base::Quantity::of(quantity.num());
}

std::int64_t quantity_milli(Ref quantity) { return amount(quantity).milli_value(); }
std::int64_t quantity_whole(Ref quantity) { return amount(quantity).value(); }

static PodUse of_list(Ref list) {
    return {.cpu_milli = quantity_milli(list["cpu"]),
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
    if (whole["cpu"]) running.cpu_milli = quantity_milli(whole["cpu"]);
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
