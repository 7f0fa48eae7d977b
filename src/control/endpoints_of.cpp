// Rule: order by address, then uid, so that the same pods always give the same lists.
#include "control/endpoints_of.h"

#include <algorithm>
#include <array>

namespace control {

bool has_managed_endpoints(const Object& service) {
    return service["spec"]["selector"].size() > 0 && service["spec"]["type"].str() != "ExternalName";
}

bool is_headless(const Object& service) {
    const auto ip = service["spec"]["clusterIP"].str();
    return ip.empty() || ip == "None";
}

std::string_view published_hostname(const Object& pod, const Object& service) {
    const auto spec = pod["spec"];
    return spec["subdomain"].str() == service.name() && pod.ns() == service.ns() ? spec["hostname"].str()
                                                                                 : std::string_view{};
}

json::object target_ref(const Object& pod) {
    return {{"kind", "Pod"}, {"namespace", pod.ns()}, {"name", pod.name()}, {"uid", pod.uid()}};
}

/// The number of a service port on that pod; nothing when it names a port that the pod has not.
static std::optional<std::int64_t> target_port(Ref pod, Ref port) {
    const auto target = port["targetPort"];
    const auto name = target.str();
    if (name.empty()) return target ? target.num() : port["port"].num();
    const auto protocol = port["protocol"].str("TCP");
    const auto find_in = [&](Ref container) -> std::optional<std::int64_t> {
        for (const auto& one : container["ports"].items())
            if (Ref(one)["name"].str() == name && Ref(one)["protocol"].str("TCP") == protocol)
                return Ref(one)["containerPort"].num();
        return std::nullopt;
    };
    for (const auto& container : pod["spec"]["containers"].items())
        if (const auto number = find_in(Ref(container))) return number;
    for (const auto& container : pod["spec"]["initContainers"].items())
        if (Ref(container)["restartPolicy"].str() == "Always")
            if (const auto number = find_in(Ref(container))) return number;
    return std::nullopt;
}

static json::array resolved_ports(const Object& service, Ref pod) {
    json::array ports;
    for (const auto& item : service["spec"]["ports"].items()) {
        const Ref port(item);
        const auto number = target_port(pod, port);
        if (!number) continue;
        json::object out;
        out["name"] = port["name"].str();
        out["protocol"] = port["protocol"].str("TCP");
        out["port"] = *number;
        if (const auto protocol = port["appProtocol"].str(); !protocol.empty()) out["appProtocol"] = protocol;
        ports.push_back(std::move(out));
    }
    std::ranges::sort(ports, {}, [](const json::value& port) {
        return std::tuple(Ref(port)["name"].str(), Ref(port)["port"].num(), Ref(port)["protocol"].str());
    });
    return ports;
}

std::vector<Backend> backends(const Object& service, const engine::View& view, Terminating terminating) {
    const auto selector = object::LabelSelector::from_map(service["spec"]["selector"]);
    const bool needs_ports = service["spec"]["ports"].size() > 0;
    std::vector<Backend> out;
    for (auto& pod : view.pods(service.ns(), selector)) {
        const Ref p(pod->value());
        const auto ip = p["status"]["podIP"].str();
        if (ip.empty() || pod_finished(p)) continue;
        if (pod->deleting() && terminating == Terminating::left_out) continue;
        Backend backend{.pod = pod,
                        .ip = std::string(ip),
                        .ready = pod_ready(p),
                        .terminating = pod->deleting(),
                        .ports = resolved_ports(service, p)};
        // A pod that has none of the named ports serves nothing.
        if (needs_ports && backend.ports.empty()) continue;
        out.push_back(std::move(backend));
    }
    std::ranges::sort(out, {}, [](const Backend& b) { return std::pair(std::string_view(b.ip), b.pod->uid()); });
    return out;
}

std::string change_trigger(const std::vector<ObjectPtr>& changed, const Object* new_service) {
    std::string first;
    const auto take = [&](std::string_view time) {
        if (!time.empty() && (first.empty() || time < first)) first = time;
    };
    for (const auto& pod : changed) take(condition(Ref(pod->value()), "Ready")["lastTransitionTime"].str());
    if (new_service) take(new_service->meta()["creationTimestamp"].str());
    return first;
}

/// What of a pod shows in endpoints.
static auto face(const Object& pod) {
    const Ref p(pod.value());
    return std::tuple(p["status"]["podIP"].str(), pod_ready(p), pod.deleting(), pod_finished(p),
                      p["spec"]["nodeName"].str(), condition(p, "Ready")["lastTransitionTime"].str());
}

static void wake_services(const store::Event& event, const engine::View& view, engine::Keys& keys) {
    const auto labels = event.object->meta()["labels"];
    const auto before = event.previous ? event.previous->meta()["labels"] : Ref();
    if (event.type == store::EventType::modified && labels.members() == before.members() &&
        face(*event.object) == face(*event.previous))
        return;
    if ((*event.object)["status"]["podIP"].str().empty() &&
        (!event.previous || (*event.previous)["status"]["podIP"].str().empty()))
        return;  // it stood nowhere and stands nowhere
    for (const auto& service : view.list(services(), event.key.ns)) {
        if (!has_managed_endpoints(*service)) continue;
        const auto selector = object::LabelSelector::from_map((*service)["spec"]["selector"]);
        if (selector.matches(labels) || (event.previous && selector.matches(before)))
            keys.push_back({services(), event.key.ns, std::string(service->name())});
    }
}

engine::Watch watch_pods_of_services() { return {pods(), wake_services}; }

}  // namespace control
