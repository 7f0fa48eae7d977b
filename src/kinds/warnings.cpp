#include "kinds/warnings.h"

#include <fmt/format.h>

#include <set>
#include <tuple>

namespace kinds {

using object::Kind;
using object::Ref;
namespace json = object::json;

namespace {

using Lines = std::vector<std::string>;

/// Volume sources that no longer do anything, or soon will not.
constexpr std::pair<std::string_view, std::string_view> old_volumes[] = {
    {"awsElasticBlockStore", "deprecated in v1.17"},
    {"azureDisk", "deprecated in v1.19"},
    {"azureFile", "deprecated in v1.21"},
    {"cephfs", "deprecated in v1.28, non-functional in v1.31+"},
    {"cinder", "deprecated in v1.11"},
    {"flocker", "deprecated in v1.22, non-functional in v1.25+"},
    {"gcePersistentDisk", "deprecated in v1.17"},
    {"gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"},
    {"photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"},
    {"portworxVolume", "deprecated in v1.25"},
    {"quobyte", "deprecated in v1.22, non-functional in v1.25+"},
    {"rbd", "deprecated in v1.28, non-functional in v1.31+"},
    {"scaleIO", "deprecated in v1.16, non-functional in v1.22+"},
    {"storageos", "deprecated in v1.22, non-functional in v1.25+"},
    {"vsphereVolume", "deprecated in v1.19"}};

void old_sources(Ref source, const std::string& path, Lines& out) {
    for (const auto& [name, since] : old_volumes)
        if (!source[name].missing()) out.push_back(fmt::format("{}.{}: {}", path, name, since));
}

void container(Ref container, const std::string& path, Lines& out) {
    std::set<std::string_view> names;
    std::size_t i = 0;
    for (const auto& one : container["env"].items()) {
        const auto name = Ref(one)["name"].str();
        if (!names.insert(name).second)
            out.push_back(
                fmt::format("{}.env[{}]: hides previous definition of \"{}\", which may be dropped when using apply",
                            path, i, name));
        ++i;
    }
    std::set<std::tuple<std::string_view, std::int64_t, std::int64_t, std::string_view>> ports;
    i = 0;
    for (const auto& one : container["ports"].items()) {
        const Ref port(one);
        const std::tuple key{port["protocol"].str("TCP"), port["containerPort"].num(), port["hostPort"].num(),
                             port["hostIP"].str()};
        if (!ports.insert(key).second)
            out.push_back(fmt::format("{}.ports[{}]: duplicate port definition with {}.ports", path, i, path));
        ++i;
    }
}

void pod_spec(Ref spec, const std::string& path, Lines& out) {
    std::size_t i = 0;
    for (const auto& volume : spec["volumes"].items())
        old_sources(volume, fmt::format("{}.volumes[{}]", path, i++), out);
    i = 0;
    for (const auto& rule : spec["topologySpreadConstraints"].items()) {
        if (!Ref(rule)["labelSelector"])
            out.push_back(
                fmt::format("{}.topologySpreadConstraints[{}].labelSelector: a null labelSelector results in "
                            "matching no pod",
                            path, i));
        ++i;
    }
    for (const auto* list : {"initContainers", "containers"}) {
        i = 0;
        for (const auto& one : spec[list].items()) container(one, fmt::format("{}.{}[{}]", path, list, i++), out);
    }
}

void service(Ref spec, Lines& out) {
    if (spec["externalIPs"].size() > 0)
        out.push_back(
            "spec.externalIPs is deprecated: any user who may create services can use it to take over traffic");
    if (spec["trafficDistribution"].str() == "PreferClose")
        out.push_back("spec.trafficDistribution: PreferClose is deprecated; use PreferSameZone");
}

bool template_changed(Ref object, const json::object* live) {
    const auto* now = object["spec"]["template"].value();
    const auto* before = live ? Ref(*live)["spec"]["template"].value() : nullptr;
    return now && (!before || *now != *before);
}

void annotation(Ref object, std::string_view name, std::string_view instead, Lines& out) {
    if (!object["metadata"]["annotations"][name].missing())
        out.push_back(fmt::format("annotation \"{}\" is deprecated, please use {} instead", name, instead));
}

bool is_dns_label(std::string_view name) { return name.size() <= 63 && name.find('.') == name.npos; }

void pod(Ref object, Lines& out) {
    const auto name = object["metadata"]["name"].str();
    if (!is_dns_label(name))
        out.push_back(
            fmt::format("metadata.name: this is used in the Pod's hostname, which can result in surprising "
                        "behavior; a DNS label is recommended: [\"{}\" must be a DNS label]",
                        name));
    pod_spec(object["spec"], "spec", out);
}

}  // namespace

std::vector<std::string> warnings(const Kind& kind, const json::object& object, const json::object* live) {
    Lines out;
    const Ref o(object);
    const auto name = kind.kind;
    if (kind.group.empty()) {
        if (name == "Pod" && !live) pod(o, out);
        if (name == "PodTemplate") pod_spec(o["template"]["spec"], "template.spec", out);
        if (name == "ReplicationController") pod_spec(o["spec"]["template"]["spec"], "spec.template.spec", out);
        if (name == "Service") service(o["spec"], out);
        if (name == "PersistentVolume") old_sources(o["spec"], "spec", out);
        if (name == "PersistentVolumeClaim" || name == "PersistentVolume")
            annotation(o, "volume.beta.kubernetes.io/storage-class", "spec.storageClassName", out);
    }
    if (kind.group == "apps" && template_changed(o, live))
        pod_spec(o["spec"]["template"]["spec"], "spec.template.spec", out);
    if (kind.group == "batch" && name == "Job" && !live)
        pod_spec(o["spec"]["template"]["spec"], "spec.template.spec", out);
    if (kind.group == "networking.k8s.io" && name == "Ingress" && !live)
        annotation(o, "kubernetes.io/ingress.class", "spec.ingressClassName", out);
    if (kind.group == "storage.k8s.io" && name == "CSIDriver" && !o["spec"]["tokenRequests"].missing() && !live)
        for (const auto& request : o["spec"]["tokenRequests"].items())
            if (Ref(request)["audience"].str().empty())
                out.push_back("spec.tokenRequests: an empty audience means the API server's own");
    return out;
}

std::string_view deprecation(const Kind& kind) {
    if (!kind.group.empty()) return {};
    if (kind.kind == "Endpoints") return "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice";
    if (kind.kind == "ComponentStatus") return "v1 ComponentStatus is deprecated in v1.19+";
    return {};
}

}  // namespace kinds
