// Lookups in the store for one pod's environment and volumes.
#include "node/context.h"

namespace node {

Sources sources_for(const Context& context, const PodView& pod, const std::string& pod_ip) {
    auto& store = context.api.store();
    Sources sources;
    const auto finder = [&store](const char* plural) {
        return [&store, plural](std::string_view ns, std::string_view name) {
            return store.get({{"", plural}, std::string(ns), std::string(name)});
        };
    };
    sources.config_map = finder("configmaps");
    sources.secret = finder("secrets");
    sources.services = store.list({"", "services"}, pod.ns);
    sources.api_service = store.get({{"", "services"}, "default", "kubernetes"});
    sources.host_ip = context.settings.host_ip;
    sources.pod_ip = pod_ip;
    sources.allocatable_cpu = context.settings.cpu;
    sources.allocatable_memory = context.settings.memory;
    return sources;
}

}  // namespace node
