// Defaults of Pods and of pod templates: spec, containers, probes and hooks (upstream: core/v1 defaulting).
#include <cctype>

#include "kinds/defaults.h"

namespace kinds {

/// Whether the repository part of an image could be one: upstream's defaulting gives up on what it cannot parse.
static bool parsable(std::string_view repository) {
    const auto slash = repository.find('/');
    const auto first = repository.substr(0, slash);
    const bool has_domain = slash != std::string_view::npos &&
                            (first.find_first_of(".:") != std::string_view::npos || first == "localhost");
    const auto path = has_domain ? repository.substr(slash + 1) : repository;
    if (path.empty()) return false;
    for (const char c : path) {
        const bool fine = std::islower(static_cast<unsigned char>(c)) || std::isdigit(static_cast<unsigned char>(c));
        if (!fine && std::string_view("._-/").find(c) == std::string_view::npos) return false;
    }
    return true;
}

std::string_view pull_policy(std::string_view image) {
    if (image.find('@') != std::string_view::npos) return "IfNotPresent";
    const auto last_slash = image.rfind('/');
    const auto colon = image.find(':', last_slash == std::string_view::npos ? 0 : last_slash);
    if (!parsable(image.substr(0, colon))) return "IfNotPresent";
    return colon == std::string_view::npos || image.substr(colon + 1) == "latest" ? "Always" : "IfNotPresent";
}

static void default_http_get(json::object& holder) {
    auto* http = find_object(holder, "httpGet");
    if (!http) return;
    fill_zero(*http, "path", "/");
    fill_zero(*http, "scheme", "HTTP");
}

static void default_probe(json::object& container, std::string_view name) {
    auto* probe = find_object(container, name);
    if (!probe) return;
    fill_zero(*probe, "timeoutSeconds", 1);
    fill_zero(*probe, "periodSeconds", 10);
    fill_zero(*probe, "successThreshold", 1);
    fill_zero(*probe, "failureThreshold", 3);
    default_http_get(*probe);
    if (auto* grpc = find_object(*probe, "grpc")) fill(*grpc, "service", "");
}

static void default_hooks(json::object& container) {
    auto* lifecycle = find_object(container, "lifecycle");
    if (!lifecycle) return;
    for (const auto* hook : {"postStart", "preStop"})
        if (auto* handler = find_object(*lifecycle, hook)) default_http_get(*handler);
}

static void default_env(json::object& container) {
    auto* env = find_list(container, "env");
    if (!env) return;
    for (auto& item : *env) {
        auto* variable = item.if_object();
        auto* from = variable ? find_object(*variable, "valueFrom") : nullptr;
        if (!from) continue;
        if (auto* field = find_object(*from, "fieldRef")) fill_zero(*field, "apiVersion", "v1");
        if (auto* resource = find_object(*from, "resourceFieldRef")) fill(*resource, "divisor", "0");
        if (auto* key = find_object(*from, "fileKeyRef")) fill(*key, "optional", false);
    }
}

static void default_container(json::object& container) {
    fill_zero(container, "imagePullPolicy", pull_policy(Ref(container)["image"].str()));
    fill_zero(container, "terminationMessagePath", "/dev/termination-log");
    fill_zero(container, "terminationMessagePolicy", "File");
    child(container, "resources");
    if (auto* ports = find_list(container, "ports"))
        for (auto& port : *ports)
            if (auto* p = port.if_object()) fill_zero(*p, "protocol", "TCP");
    default_env(container);
    for (const auto* probe : {"livenessProbe", "readinessProbe", "startupProbe"}) default_probe(container, probe);
    default_hooks(container);
}

template <class Act>
static void each_container(json::object& spec, std::initializer_list<std::string_view> lists, Act act) {
    for (const auto name : lists)
        if (auto* containers = find_list(spec, name))
            for (auto& item : *containers)
                if (auto* container = item.if_object()) act(*container);
}

void default_pod_spec(json::object& spec) {
    fill_zero(spec, "dnsPolicy", "ClusterFirst");
    fill_zero(spec, "restartPolicy", "Always");
    fill(spec, "securityContext", json::object());
    fill(spec, "terminationGracePeriodSeconds", 30);
    fill_zero(spec, "schedulerName", "default-scheduler");
    // The deprecated name mirrors the current one, which wins.
    if (zero(spec, "serviceAccountName") && !zero(spec, "serviceAccount"))
        spec["serviceAccountName"] = json::value(spec["serviceAccount"]);
    if (!zero(spec, "serviceAccountName")) spec["serviceAccount"] = json::value(spec["serviceAccountName"]);
    each_container(spec, {"initContainers", "containers", "ephemeralContainers"}, default_container);
    default_volumes(spec);
}

void default_template(json::object& owner) {
    auto* pod_template = find_object(owner, "template");
    if (!pod_template) return;
    child(*pod_template, "metadata");
    default_pod_spec(child(*pod_template, "spec"));
}

void default_host_ports(json::object& spec) {
    if (!Ref(spec)["hostNetwork"].flag()) return;
    each_container(spec, {"containers", "initContainers"}, [](json::object& container) {
        auto* ports = find_list(container, "ports");
        if (!ports) return;
        for (auto& item : *ports)
            if (auto* port = item.if_object()) fill_zero(*port, "hostPort", Ref(*port)["containerPort"].num());
    });
}

/// What a container may use it also asks for, unless it says otherwise.
static void requests_from_limits(json::object& container) {
    auto* resources = find_object(container, "resources");
    const auto* limits = resources ? find_object(*resources, "limits") : nullptr;
    if (!limits || limits->empty()) return;
    const json::object copy = *limits;
    auto& requests = child(*resources, "requests");
    for (const auto& limit : copy) fill(requests, limit.key(), limit.value());
}

void default_pod(json::object& pod) {
    auto& spec = child(pod, "spec");
    default_pod_spec(spec);
    each_container(spec, {"containers", "initContainers"}, requests_from_limits);
    fill(spec, "enableServiceLinks", true);
    default_host_ports(spec);
}

void default_pod_template(json::object& object) { default_template(object); }

}  // namespace kinds
