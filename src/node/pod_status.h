// A pod's status as the API shows it, from its spec, what is known of it, and the status that stands: the texts,
// reasons and order of a kubelet. Pure. A transition time is kept while its condition keeps its value.
#pragma once

#include <string>

#include "node/pod_machine.h"

namespace node {

struct StatusSettings {
    std::string host_ip;
};

/// `current` is the status in the store: foreign conditions and transition times come from there.
json::object pod_status(const PodView& pod, const PodState& state, const StatusSettings& settings, Ref current,
                        Time now);

}  // namespace node
