// Validation of claims, persistent volumes and storage classes.
#include <array>
#include <set>
#include <string>

#include "kinds/resources.h"
#include "kinds/validate.h"

namespace kinds {

void validate_claim(Checks& checks, Ref claim) { check_claim_spec(checks, "spec", claim["spec"]); }

/// A bound claim may ask for more and for another attributes class; an unbound one may be bound.
void validate_claim_update(Checks& checks, const UpdateCheck& update) {
    json::object now = update.updated["spec"].members();
    const Ref before = update.live["spec"];
    const bool bound = update.live["status"]["phase"].str() == "Bound";
    if (before["volumeName"].str().empty()) now.erase("volumeName");
    if (now.contains("volumeAttributesClassName") || before["volumeAttributesClassName"]) {
        if (const auto* old = before["volumeAttributesClassName"].value())
            now["volumeAttributesClassName"] = *old;
        else
            now.erase("volumeAttributesClassName");
    }
    const Ref wanted = update.updated["spec"]["resources"]["requests"]["storage"];
    const Ref had = before["resources"]["requests"]["storage"];
    if (bound) {
        auto& resources = child(now, "resources");
        if (const auto* old = before["resources"]["requests"].value()) resources["requests"] = *old;
        if (amount_of(wanted) < amount_of(had))
            checks.forbidden("spec.resources.requests.storage", "field can not be less than status.capacity");
    }
    if (now != before.members())
        checks.forbidden("spec",
                         "spec is immutable after creation except resources.requests and volumeAttributesClassName for "
                         "bound claims");
}

static constexpr std::array<std::string_view, 21> volume_sources{"hostPath",
                                                                 "gcePersistentDisk",
                                                                 "awsElasticBlockStore",
                                                                 "glusterfs",
                                                                 "flocker",
                                                                 "nfs",
                                                                 "rbd",
                                                                 "quobyte",
                                                                 "cephfs",
                                                                 "iscsi",
                                                                 "cinder",
                                                                 "fc",
                                                                 "flexVolume",
                                                                 "azureFile",
                                                                 "vsphereVolume",
                                                                 "photonPersistentDisk",
                                                                 "portworxVolume",
                                                                 "azureDisk",
                                                                 "scaleIO",
                                                                 "local",
                                                                 "csi"};

static void check_modes(Checks& checks, const Path& at, Ref modes) {
    const auto& items = modes.items();
    if (items.empty()) checks.required(at);
    bool exclusive = false;
    for (const auto& mode : items) {
        checks.one_of(at, mode, {"ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"});
        exclusive |= Ref(mode).str() == "ReadWriteOncePod";
    }
    if (exclusive && items.size() > 1) checks.forbidden(at, "may not use ReadWriteOncePod with other access modes");
}

static void check_volume_source(Checks& checks, const Path& at, Ref spec) {
    bool seen = false;
    for (const auto name : volume_sources) {
        const Ref source = spec[name];
        if (!source) continue;
        if (seen) checks.forbidden(at / name, "may not specify more than 1 volume type");
        seen = true;
        if ((name == "hostPath" || name == "local") && source["path"].str().empty())
            checks.required(at / name / "path");
        if (name == "local" && !spec["nodeAffinity"])
            checks.required(at / "nodeAffinity", "Local volume requires node affinity");
        if (name == "csi")
            for (const auto* field : {"driver", "volumeHandle"})
                if (source[field].str().empty()) checks.required(at / name / field);
        if (name == "nfs")
            for (const auto* field : {"server", "path"})
                if (source[field].str().empty()) checks.required(at / name / field);
    }
    if (!seen) checks.required(at, "must specify a volume type");
    if (spec["hostPath"]["path"].str() == "/" && spec["persistentVolumeReclaimPolicy"].str() == "Recycle")
        checks.forbidden(at / "persistentVolumeReclaimPolicy", "may not be 'recycle' for a hostPath mount of '/'");
}

void validate_persistent_volume(Checks& checks, Ref volume) {
    const Path at("spec");
    const Ref spec = volume["spec"];
    const Ref capacity = spec["capacity"];
    check_modes(checks, at / "accessModes", spec["accessModes"]);
    if (capacity.size() == 0) checks.required(at / "capacity");
    if (capacity["storage"].missing() || capacity.size() > 1)
        checks.unsupported(at / "capacity", shown(capacity), {"storage"});
    if (const Ref storage = capacity["storage"]; storage && amount_of(storage).sign() <= 0)
        checks.invalid((at / "capacity").key("storage"), shown(storage), "must be greater than zero");
    if (const Ref policy = spec["persistentVolumeReclaimPolicy"]; !policy.str().empty())
        checks.one_of(at / "persistentVolumeReclaimPolicy", policy, {"Delete", "Recycle", "Retain"});
    check_volume_source(checks, at, spec);
    if (const auto name = spec["storageClassName"].str(); !name.empty())
        complain(checks, at / "storageClassName", name, dns_subdomain(name));
    if (spec["volumeMode"]) checks.one_of(at / "volumeMode", spec["volumeMode"], {"Block", "Filesystem"});
}

void validate_persistent_volume_update(Checks& checks, const UpdateCheck& update) {
    const Ref now = update.updated["spec"];
    const Ref before = update.live["spec"];
    bool same = true;
    for (const auto source : volume_sources) same = same && equal(now[source], before[source]);
    if (!same)
        checks.forbidden("spec.persistentvolumesource", "spec.persistentvolumesource is immutable after creation");
    check_immutable(checks, "volumeMode", now["volumeMode"], before["volumeMode"]);
    if (before["nodeAffinity"]) check_immutable(checks, "nodeAffinity", now["nodeAffinity"], before["nodeAffinity"]);
}

static void check_topologies(Checks& checks, Ref topologies) {
    const auto& terms = topologies.items();
    for (std::size_t i = 0; i < terms.size(); ++i) {
        std::set<std::string> keys;
        const auto& expressions = Ref(terms[i])["matchLabelExpressions"].items();
        for (std::size_t k = 0; k < expressions.size(); ++k) {
            const Ref expression(expressions[k]);
            const auto at = (Path("allowedTopologies")[i] / "matchLabelExpressions")[k];
            const auto& values = expression["values"].items();
            if (values.empty()) checks.required(at / "values");
            std::set<std::string> seen;
            for (std::size_t v = 0; v < values.size(); ++v)
                if (!seen.emplace(Ref(values[v]).str()).second)
                    checks.duplicate((at / "values")[v], shown(Ref(values[v])));
            const auto key = expression["key"].str();
            complain(checks, at / "key", key, qualified_name(key));
            if (!keys.emplace(key).second) checks.duplicate(at / "key", shown(key));
        }
    }
}

void validate_storage_class(Checks& checks, Ref object) {
    const auto provisioner = object["provisioner"].str();
    if (provisioner.empty())
        checks.required("provisioner");
    else
        complain(checks, "provisioner", provisioner, qualified_name(provisioner));
    constexpr std::size_t parameters_max = 512;
    if (object["parameters"].size() > parameters_max) checks.too_long("parameters", parameters_max);
    for (const auto& parameter : object["parameters"].members())
        if (parameter.key().empty()) checks.invalid("parameters", shown(""), "field can not be empty.");
    if (const Ref policy = object["reclaimPolicy"]; !policy.str().empty())
        checks.one_of("reclaimPolicy", policy, {"Delete", "Retain"});
    if (!object["volumeBindingMode"])
        checks.required("volumeBindingMode");
    else
        checks.one_of("volumeBindingMode", object["volumeBindingMode"], {"Immediate", "WaitForFirstConsumer"});
    check_topologies(checks, object["allowedTopologies"]);
}

void validate_storage_class_update(Checks& checks, const UpdateCheck& update) {
    for (const auto* fixed : {"parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"})
        check_immutable(checks, fixed, update.updated[fixed], update.live[fixed]);
}

void validate_csi_driver(Checks& checks, Ref object) {
    const Path at("spec");
    const Ref spec = object["spec"];
    if (spec["fsGroupPolicy"])
        checks.one_of(at / "fsGroupPolicy", spec["fsGroupPolicy"], {"ReadWriteOnceWithFSType", "File", "None"});
    std::set<std::string> audiences;
    const auto& tokens = spec["tokenRequests"].items();
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        const auto place = (at / "tokenRequests")[i];
        const auto audience = Ref(tokens[i])["audience"].str();
        if (!audiences.emplace(audience).second) checks.duplicate(place / "audience", shown(audience));
        if (const Ref life = Ref(tokens[i])["expirationSeconds"]; life && life.num() < 600)
            checks.invalid(place / "expirationSeconds", shown(life), "may not specify a duration less than 10 minutes");
    }
    for (const auto& mode : spec["volumeLifecycleModes"].items())
        checks.one_of(at / "volumeLifecycleModes", mode, {"Persistent", "Ephemeral"});
    if (const Ref period = spec["nodeAllocatableUpdatePeriodSeconds"]; period && period.num() < 10)
        checks.invalid(at / "nodeAllocatableUpdatePeriodSeconds", shown(period),
                       "must be greater than or equal to 10 seconds");
}

void validate_volume_attachment(Checks& checks, Ref object) {
    const Path at("spec");
    const Ref spec = object["spec"];
    const auto attacher = spec["attacher"].str();
    if (attacher.empty())
        checks.required(at / "attacher");
    else
        complain(checks, at / "attacher", attacher, dns_subdomain(attacher));
    const Ref inline_spec = spec["source"]["inlineVolumeSpec"];
    const Ref name = spec["source"]["persistentVolumeName"];
    if (!inline_spec && !name)
        checks.required(at / "source", "must specify exactly one of inlineVolumeSpec and persistentVolumeName");
    if (inline_spec && name)
        checks.forbidden(at / "source", "must specify exactly one of inlineVolumeSpec and persistentVolumeName");
    const auto node = spec["nodeName"].str();
    complain(checks, at / "nodeName", node, dns_subdomain(node));
}

void validate_spec_kept(Checks& checks, const UpdateCheck& update) {
    check_immutable(checks, "spec", update.updated["spec"], update.live["spec"]);
}

}  // namespace kinds
