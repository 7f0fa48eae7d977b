// Validation of a pod's volumes: one source each, and each source as it must be.
#include <algorithm>
#include <array>
#include <set>
#include <string>

#include "kinds/resources.h"
#include "kinds/validate_pod.h"

namespace kinds {

static void require(Checks& checks, const Path& at, Ref source, std::initializer_list<const char*> fields) {
    for (const auto* field : fields)
        if (source[field].str().empty()) checks.required(at / field);
}

static void check_mode(Checks& checks, const Path& at, Ref mode) {
    if (mode && (mode.num() < 0 || mode.num() > 0777))
        checks.invalid(at, shown(mode), "must be a number between 0 and 0777 (octal), both inclusive");
}

/// A file's place inside a volume; names that start with ".." are the atomic writer's.
static void check_file_path(Checks& checks, const Path& at, std::string_view path) {
    check_descending_path(checks, at, path);
    if (path.starts_with("..") && !steps_back(path)) checks.invalid(at, shown(path), "must not start with '..'");
}

static void check_items(Checks& checks, const Path& at, Ref items) {
    const auto& files = items.items();
    for (std::size_t i = 0; i < files.size(); ++i) {
        const Ref file(files[i]);
        if (file["key"].str().empty()) checks.required(at[i] / "key");
        if (file["path"].str().empty())
            checks.required(at[i] / "path");
        else
            check_file_path(checks, at[i] / "path", file["path"].str());
        check_mode(checks, at[i] / "mode", file["mode"]);
    }
}

/// Upstream names no index for what is wrong with one of these files.
static void check_downward_files(Checks& checks, const Path& at, Ref items) {
    for (const auto& item : items.items()) {
        const Ref file(item);
        if (file["path"].str().empty())
            checks.required(at / "path");
        else
            check_file_path(checks, at / "path", file["path"].str());
        if (file["fieldRef"]) {
            check_field_ref(checks, at / "fieldRef", file["fieldRef"], FieldUse::file);
            if (file["resourceFieldRef"])
                checks.invalid(at, shown("resource"),
                               "fieldRef and resourceFieldRef can not be specified simultaneously");
        } else if (file["resourceFieldRef"]) {
            check_resource_ref(checks, at / "resourceFieldRef", file["resourceFieldRef"], FieldUse::file);
        } else {
            checks.required(at, "one of fieldRef and resourceFieldRef is required");
        }
        check_mode(checks, at / "mode", file["mode"]);
    }
}

static void check_token_source(Checks& checks, const Path& at, Ref token) {
    constexpr std::int64_t shortest_s = 600;
    constexpr std::int64_t longest_s = std::int64_t(1) << 32;
    const Ref life = token["expirationSeconds"];
    if (life && life.num() < shortest_s)
        checks.invalid(at / "expirationSeconds", shown(life), "may not specify a duration less than 10 minutes");
    else if (life && life.num() > longest_s)
        checks.invalid(at / "expirationSeconds", shown(life), "may not specify a duration larger than 2^32 seconds");
    if (token["path"].str().empty())
        checks.required(at / "path");
    else
        check_file_path(checks, at / "path", token["path"].str());
}

static void note_paths(Checks& checks, const Path& at, Ref source, std::set<std::string>& paths) {
    for (const auto& item : source["items"].items())
        if (const auto path = Ref(item)["path"].str(); !path.empty() && !paths.emplace(path).second)
            checks.invalid(at, shown(source["name"].str()), "conflicting duplicate paths");
}

static void check_projected(Checks& checks, const Path& at, Ref projected) {
    std::set<std::string> paths;
    check_mode(checks, at / "defaultMode", projected["defaultMode"]);
    const auto& sources = projected["sources"].items();
    for (std::size_t i = 0; i < sources.size(); ++i) {
        const auto place = (at / "sources")[i];
        bool seen = false;
        for (const auto* kind : {"secret", "configMap", "downwardAPI", "serviceAccountToken", "clusterTrustBundle"}) {
            const Ref source = Ref(sources[i])[kind];
            if (!source) continue;
            const std::string_view name(kind);
            if (seen) checks.forbidden(place / name, "may not specify more than 1 volume type per source");
            seen = true;
            if (name == "secret" || name == "configMap") {
                require(checks, place / name, source, {"name"});
                check_items(checks, place / name / "items", source["items"]);
                note_paths(checks, at, source, paths);
            }
            if (name == "downwardAPI") {
                check_downward_files(checks, place / name, source["items"]);
                note_paths(checks, at, source, paths);
            }
            if (name == "serviceAccountToken") check_token_source(checks, place / name, source);
        }
    }
}

static void check_host_path(Checks& checks, const Path& at, Ref source) {
    const auto path = source["path"].str();
    if (path.empty()) return checks.required(at / "path");
    if (steps_back(path)) checks.invalid(at / "path", shown(path), "must not contain '..'");
    if (source["type"])
        checks.one_of(
            at / "type", source["type"],
            {"", "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice"});
}

static void check_ephemeral(Checks& checks, const Path& at, Ref source) {
    const auto place = at / "volumeClaimTemplate";
    const Ref claim = source["volumeClaimTemplate"];
    if (!claim) return checks.required(place);
    check_labels(checks, place / "metadata" / "labels", claim["metadata"]["labels"]);
    check_annotations(checks, place / "metadata" / "annotations", claim["metadata"]["annotations"]);
    check_claim_spec(checks, place / "spec", claim["spec"]);
}

static void check_files(Checks& checks, const Path& at, Ref source, const char* name) {
    require(checks, at, source, {name});
    check_mode(checks, at / "defaultMode", source["defaultMode"]);
    check_items(checks, at / "items", source["items"]);
}

static void check_network_disk(Checks& checks, const Path& at, std::string_view kind, Ref source) {
    if (kind == "nfs") {
        require(checks, at, source, {"server", "path"});
        if (const auto path = source["path"].str(); !path.empty() && !path.starts_with('/'))
            checks.invalid(at / "path", shown(path), "must be an absolute path");
    }
    if (kind == "iscsi") {
        require(checks, at, source, {"targetPortal", "iqn"});
        if (const auto lun = source["lun"].num(); lun < 0 || lun > 255)
            checks.invalid(at / "lun", shown(lun), "must be between 0 and 255, inclusive");
    }
    if (kind == "rbd" || kind == "cephfs")
        if (source["monitors"].size() == 0) checks.required(at / "monitors");
    if (kind == "rbd") require(checks, at, source, {"image"});
    if (kind == "glusterfs") require(checks, at, source, {"endpoints", "path"});
    if (kind == "csi") {
        require(checks, at, source, {"driver"});
        if (const Ref secret = source["nodePublishSecretRef"])
            require(checks, at / "nodePublishSecretRef", secret, {"name"});
    }
    if (kind == "awsElasticBlockStore" || kind == "cinder" || kind == "portworxVolume")
        require(checks, at, source, {"volumeID"});
    if (kind == "gcePersistentDisk") require(checks, at, source, {"pdName"});
    if (kind == "azureFile") require(checks, at, source, {"secretName", "shareName"});
    if (kind == "azureDisk") require(checks, at, source, {"diskName", "diskURI"});
    if (kind == "vsphereVolume") require(checks, at, source, {"volumePath"});
    if (kind == "flexVolume") require(checks, at, source, {"driver"});
}

static void check_source(Checks& checks, const Path& at, std::string_view kind, Ref source) {
    if (kind == "emptyDir") {
        if (amount_of(source["sizeLimit"]).sign() < 0)
            checks.forbidden(at / "sizeLimit", "SizeLimit field must be a valid resource quantity");
    } else if (kind == "hostPath") {
        check_host_path(checks, at, source);
    } else if (kind == "gitRepo") {
        require(checks, at, source, {"repository"});
    } else if (kind == "secret") {
        check_files(checks, at, source, "secretName");
    } else if (kind == "configMap") {
        check_files(checks, at, source, "name");
    } else if (kind == "persistentVolumeClaim") {
        require(checks, at, source, {"claimName"});
    } else if (kind == "downwardAPI") {
        check_mode(checks, at / "defaultMode", source["defaultMode"]);
        check_downward_files(checks, at, source["items"]);
    } else if (kind == "projected") {
        check_projected(checks, at, source);
    } else if (kind == "ephemeral") {
        check_ephemeral(checks, at, source);
    } else {
        check_network_disk(checks, at, kind, source);
    }
}

/// In the order in which upstream looks at them.
static constexpr std::array<std::string_view, 30> source_kinds{"emptyDir",
                                                               "hostPath",
                                                               "gitRepo",
                                                               "gcePersistentDisk",
                                                               "awsElasticBlockStore",
                                                               "secret",
                                                               "nfs",
                                                               "iscsi",
                                                               "glusterfs",
                                                               "persistentVolumeClaim",
                                                               "rbd",
                                                               "cinder",
                                                               "cephfs",
                                                               "flocker",
                                                               "downwardAPI",
                                                               "fc",
                                                               "flexVolume",
                                                               "configMap",
                                                               "azureFile",
                                                               "vsphereVolume",
                                                               "quobyte",
                                                               "photonPersistentDisk",
                                                               "portworxVolume",
                                                               "azureDisk",
                                                               "storageos",
                                                               "projected",
                                                               "scaleIO",
                                                               "csi",
                                                               "ephemeral",
                                                               "image"};

void check_volumes(Checks& checks, const Path& at, Ref spec) {
    std::set<std::string> names;
    const auto& volumes = spec["volumes"].items();
    for (std::size_t i = 0; i < volumes.size(); ++i) {
        const Ref volume(volumes[i]);
        Checks own;
        bool seen = false;
        for (const auto kind : source_kinds) {
            const Ref source = volume[kind];
            if (!source) continue;
            if (seen)
                own.forbidden(at[i] / kind, "may not specify more than 1 volume type");
            else
                check_source(own, at[i] / kind, kind, source);
            seen = true;
        }
        if (!seen) own.required(at[i], "must specify a volume type");
        const auto name = volume["name"].str();
        if (name.empty())
            own.required(at[i] / "name");
        else
            complain(own, at[i] / "name", name, dns_label(name));
        if (names.contains(std::string(name))) own.duplicate(at[i] / "name", shown(name));
        if (!own.any()) names.emplace(name);
        checks.add(own.take());
    }
}

static void check_access_modes(Checks& checks, const Path& at, Ref modes) {
    const auto& items = modes.items();
    if (items.empty()) checks.required(at, "at least 1 access mode is required");
    bool exclusive = false;
    for (const auto& mode : items) {
        checks.one_of(at, mode, {"ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"});
        exclusive |= Ref(mode).str() == "ReadWriteOncePod";
    }
    if (exclusive && items.size() > 1) checks.forbidden(at, "may not use ReadWriteOncePod with other access modes");
}

/// What a claim's data comes from: a claim or a snapshot, named.
static void check_data_source(Checks& checks, const Path& at, Ref source) {
    if (!source) return;
    require(checks, at, source, {"name", "kind"});
    const auto group = source["apiGroup"].str();
    const auto kind = source["kind"].str();
    if (group.empty() && !kind.empty() && kind != "PersistentVolumeClaim")
        checks.invalid(at, shown(kind), "must be 'PersistentVolumeClaim' when referencing the default apiGroup");
    if (!group.empty()) complain(checks, at / "apiGroup", group, dns_subdomain(group));
}

void check_claim_spec(Checks& checks, const Path& at, Ref spec) {
    check_label_selector(checks, at / "selector", spec["selector"]);
    check_access_modes(checks, at / "accessModes", spec["accessModes"]);
    const Ref storage = spec["resources"]["requests"]["storage"];
    const auto place = (at / "resources").key("storage");
    if (storage.missing())
        checks.required(place);
    else if (amount_of(storage).sign() <= 0)
        checks.invalid(place, shown(storage), "must be greater than zero");
    if (const auto name = spec["storageClassName"].str(); !name.empty())
        complain(checks, at / "storageClassName", name, dns_subdomain(name));
    if (spec["volumeMode"]) checks.one_of(at / "volumeMode", spec["volumeMode"], {"Block", "Filesystem"});
    check_data_source(checks, at / "dataSource", spec["dataSource"]);
    check_data_source(checks, at / "dataSourceRef", spec["dataSourceRef"]);
    if (spec["dataSource"] && spec["dataSourceRef"] && !equal(spec["dataSource"], spec["dataSourceRef"]))
        checks.invalid(at, shown(spec["dataSource"]), "must match dataSourceRef");
    if (const Ref name = spec["volumeAttributesClassName"]; name && !name.str().empty())
        complain(checks, at / "volumeAttributesClassName", name.str(), dns_subdomain(name.str()));
}

}  // namespace kinds
