// The Node object's text, its heartbeat, and the Lease.
#include "node/node_object.h"

#include <algorithm>

#include "kinds/registry.h"
#include "node/events.h"
#include "node/pod_worker.h"

namespace node {
namespace {

constexpr std::string_view lease_namespace = "kube-node-lease";
constexpr int lease_seconds = 40;
/// Volumes are attached by a controller, if at all: tools look for it.
constexpr std::string_view attach_annotation = "volumes.kubernetes.io/controller-managed-attach-detach";
constexpr std::size_t images_max = 50;
/// Images change seldom: they are looked at this often.
constexpr Duration images_interval = std::chrono::minutes(5);

json::object condition(Ref current, std::string_view type, std::string_view status, std::string_view reason,
                       std::string_view message, Time now) {
    std::string since = base::rfc3339(now);
    for (const Ref old : current["conditions"].items())
        if (old["type"].str() == type && old["status"].str() == status) since = old["lastTransitionTime"].str();
    return {{"type", type},
            {"status", status},
            {"lastHeartbeatTime", base::rfc3339(now)},
            {"lastTransitionTime", since},
            {"reason", reason},
            {"message", message}};
}

json::object resources(const Settings& settings) {
    return {{"cpu", settings.cpu},       {"ephemeral-storage", settings.ephemeral_storage},
            {"hugepages-1Gi", "0"},      {"hugepages-2Mi", "0"},
            {"memory", settings.memory}, {"pods", std::to_string(settings.pods_max)}};
}

json::object node_info(const MachineInfo& machine) {
    return {{"architecture", machine.architecture},
            {"bootID", machine.boot_id},
            {"containerRuntimeVersion", machine.runtime_version},
            {"kernelVersion", machine.kernel_version},
            {"kubeProxyVersion", ""},
            {"kubeletVersion", machine.version},
            {"machineID", machine.machine_id},
            {"operatingSystem", "linux"},
            {"osImage", machine.os_image},
            {"systemUUID", machine.system_uuid}};
}

/// Without the heartbeats, which alone are no reason to write.
json::object without_heartbeats(json::object status) {
    for (auto& c : object::list(status, "conditions"))
        if (auto* o = c.if_object()) o->erase("lastHeartbeatTime");
    return status;
}

}  // namespace

json::object node_status(const Settings& settings, const std::vector<ImageInfo>& images, Ref current, Time now) {
    json::object status(current.members());
    status["addresses"] = json::array{json::object{{"type", "InternalIP"}, {"address", settings.host_ip}},
                                      json::object{{"type", "Hostname"}, {"address", settings.node_name}}};
    status["allocatable"] = resources(settings);
    status["capacity"] = resources(settings);
    status["conditions"] = json::array{
        condition(current, "MemoryPressure", "False", "KubeletHasSufficientMemory",
                  "kubelet has sufficient memory available", now),
        condition(current, "DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure", now),
        condition(current, "PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available",
                  now),
        condition(current, "Ready", "True", "KubeletReady", "kubelet is posting ready status", now)};
    status["daemonEndpoints"] = json::object{{"kubeletEndpoint", json::object{{"Port", 10250}}}};
    status["nodeInfo"] = node_info(settings.machine);
    json::array list;
    for (const auto& image : images) {
        if (list.size() == images_max) break;
        json::array names;
        for (const auto& name : image.names) names.push_back(json::value(name));
        if (names.empty()) names.push_back(json::value(image.ref));
        list.push_back(json::object{{"names", std::move(names)}, {"sizeBytes", image.size_bytes}});
    }
    if (!list.empty()) status["images"] = std::move(list);
    return status;
}

std::map<std::string, std::string> node_labels(const Settings& settings) {
    std::map<std::string, std::string> labels = settings.labels;
    for (const std::string prefix : {"kubernetes.io/", "beta.kubernetes.io/"}) {
        labels[prefix + "arch"] = settings.machine.architecture;
        labels[prefix + "os"] = "linux";
    }
    labels["kubernetes.io/hostname"] = settings.node_name;
    return labels;
}

void NodeObject::start() {
    write(Beat::always);  // whoever waits for the node sees it come back, even when nothing about it changed
    make_lease_namespace();
    renew_lease();
    list_images();
}

void NodeObject::image_seen(const ImageInfo& image) {
    const bool known = std::ranges::any_of(images_, [&](const ImageInfo& i) { return i.id == image.id; });
    if (!known) relist_ = context_.loop.after(std::chrono::seconds(1), [this] { list_images(); });
}

void NodeObject::list_images() {
    context_.ports.runtime.images([weak = std::weak_ptr(alive_)](base::Result<std::vector<ImageInfo>> images) {
        const auto self = weak.lock();
        if (!self) return;
        auto& object = **self;
        if (images) {
            std::ranges::sort(*images, [](const ImageInfo& a, const ImageInfo& b) {
                return std::tie(b.size_bytes, a.ref) < std::tie(a.size_bytes, b.ref);
            });
            object.images_ = std::move(*images);
            object.write(Beat::when_changed);
        }
        object.relist_ = object.context_.loop.after(images_interval, [&object] {
            object.write(Beat::always);
            object.list_images();
        });
    });
}

void NodeObject::write(Beat beat) {
    const auto& settings = context_.settings;
    const verbs::Target target{kinds::by_kind("v1", "Node"), "", settings.node_name};
    const auto now = context_.loop.now();
    auto current = context_.api.store().get(verbs::key_of(target));
    json::object labels;
    for (const auto& [key, value] : node_labels(settings)) labels[key] = value;
    if (!current) {
        json::object node{{"apiVersion", "v1"},
                          {"kind", "Node"},
                          {"metadata", json::object{{"name", settings.node_name},
                                                    {"labels", std::move(labels)},
                                                    {"annotations", json::object{{attach_annotation, "true"}}}}},
                          {"spec", json::object{}}};
        const auto made = context_.api.create(target, std::move(node), as_kubelet());
        if (!made) return;
        context_.events.say_of_node(settings.node_name, EventKind::normal, "Starting", "Starting kubelet.");
        current = made->object;
    } else {
        json::object next = current->value();
        auto& metadata = object::child(next, "metadata");
        const auto before = metadata;
        for (auto& [key, value] : labels) object::child(metadata, "labels")[key] = value;
        object::child(metadata, "annotations")[attach_annotation] = "true";
        if (before != metadata)
            if (const auto written = context_.api.update(target, std::move(next), as_kubelet()); written)
                current = written->object;
    }
    json::object next = current->value();
    const auto standing = (*current)["status"];
    auto status = node_status(settings, images_, standing, now);
    if (beat == Beat::when_changed && without_heartbeats(status) == without_heartbeats(standing.members())) return;
    next["status"] = std::move(status);
    if (!context_.api.update(target, std::move(next), as_kubelet("status"))) return;
}

void NodeObject::make_lease_namespace() {
    const verbs::Target target{kinds::by_kind("v1", "Namespace"), "", std::string(lease_namespace)};
    if (context_.api.store().get(verbs::key_of(target))) return;
    json::object ns{{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", json::object{{"name", lease_namespace}}}};
    (void)context_.api.create(target, std::move(ns), as_kubelet());
}

void NodeObject::renew_lease() {
    const auto& settings = context_.settings;
    const verbs::Target target{kinds::by_kind("coordination.k8s.io/v1", "Lease"), std::string(lease_namespace),
                               settings.node_name};
    const auto now = base::rfc3339_micro(context_.loop.now());
    const auto current = context_.api.store().get(verbs::key_of(target));
    if (current) {
        json::object next = current->value();
        object::child(next, "spec")["renewTime"] = now;
        (void)context_.api.update(target, std::move(next), as_kubelet());
    } else {
        const auto node = context_.api.store().get({{"", "nodes"}, "", settings.node_name});
        json::object owner{{"apiVersion", "v1"},
                           {"kind", "Node"},
                           {"name", settings.node_name},
                           {"uid", node ? node->uid() : std::string_view()}};
        json::object lease{{"apiVersion", "coordination.k8s.io/v1"},
                           {"kind", "Lease"},
                           {"metadata", json::object{{"name", settings.node_name},
                                                     {"namespace", lease_namespace},
                                                     {"ownerReferences", json::array{std::move(owner)}}}},
                           {"spec", json::object{{"holderIdentity", settings.node_name},
                                                 {"leaseDurationSeconds", lease_seconds},
                                                 {"renewTime", now}}}};
        (void)context_.api.create(target, std::move(lease), as_kubelet());
    }
    renew_ = context_.loop.after(settings.lease_interval, [this] { renew_lease(); });
}

}  // namespace node
