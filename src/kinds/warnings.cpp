#include "kinds/warnings.h"

#include <fmt/format.h>

#include <utility>

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

void service(Ref object, Lines& out) {
    const Ref spec = object["spec"];
    const auto type = spec["type"].str("ClusterIP");
    const bool headless = type == "ClusterIP" && spec["clusterIP"].str() == "None";
    const bool external_ips = spec["externalIPs"].size() > 0;
    if (!object["metadata"]["annotations"]["service.kubernetes.io/topology-aware-hints"].missing())
        out.push_back(
            "annotation service.kubernetes.io/topology-aware-hints is deprecated, please use "
            "service.kubernetes.io/topology-mode instead");
    if (headless) {
        if (!spec["loadBalancerIP"].str().empty())
            out.push_back("spec.loadBalancerIP is ignored for headless services");
        if (external_ips) out.push_back("spec.externalIPs is ignored for headless services");
        if (spec["sessionAffinity"].str("None") != "None")
            out.push_back("spec.SessionAffinity is ignored for headless services");
    }
    if (external_ips && !headless && type != "ExternalName")
        out.push_back(
            "spec.externalIPs is deprecated: any user who may create services can use it to take over traffic");
    if (external_ips && type == "ExternalName")
        out.push_back("spec.externalIPs is ignored when spec.type is \"ExternalName\"");
    if (type != "ExternalName" && !spec["externalName"].str().empty())
        out.push_back("spec.externalName is ignored when spec.type is not \"ExternalName\"");
    if (spec["trafficDistribution"].str() == "PreferClose")
        out.push_back("spec.trafficDistribution: PreferClose is deprecated; use PreferSameZone");
}

/// Whether an update asks for something new.
bool asks_anew(Ref object, const json::object* live) {
    return !live || object["metadata"]["generation"].num() != Ref(*live)["metadata"]["generation"].num();
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
    warn_of_pod(object["metadata"], object["spec"], "", out);
}

/// Of a kind that makes pods by a template in its spec.
void workload(const Kind& kind, Ref object, const json::object* live, Lines& out) {
    const auto name = object["metadata"]["name"].str();
    const bool names_pods = kind.kind == "Deployment" || kind.kind == "ReplicaSet" ||
                            kind.kind == "ReplicationController" || kind.kind == "Job";
    if (!live && names_pods && !is_dns_label(name))
        out.push_back(
            fmt::format("metadata.name: this is used in Pod names and hostnames, which can result in surprising "
                        "behavior; a DNS label is recommended: [\"{}\" must be a DNS label]",
                        name));
    const Ref pod_template = object["spec"]["template"];
    if (asks_anew(object, live)) warn_of_pod(pod_template["metadata"], pod_template["spec"], "spec.template.", out);
}

}  // namespace

std::vector<std::string> warnings(const Kind& kind, const json::object& object, const json::object* live) {
    Lines out;
    const Ref o(object);
    const auto name = kind.kind;
    if (kind.group.empty()) {
        if (name == "Pod" && !live) pod(o, out);
        if (name == "PodTemplate" && asks_anew(o, live))
            warn_of_pod(o["template"]["metadata"], o["template"]["spec"], "template.", out);
        if (name == "ReplicationController") workload(kind, o, live, out);
        if (name == "Service") service(o, out);
        if (name == "PersistentVolume") old_sources(o["spec"], "spec", out);
        if (name == "PersistentVolumeClaim" || name == "PersistentVolume")
            annotation(o, "volume.beta.kubernetes.io/storage-class", "spec.storageClassName", out);
    }
    if (kind.group == "apps" && name != "ControllerRevision") workload(kind, o, live, out);
    if (kind.group == "batch" && name == "Job" && !live) workload(kind, o, live, out);
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
