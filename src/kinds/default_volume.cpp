// Defaults of volumes in pod specs, of claims and of persistent volumes.
#include "kinds/defaults.h"

namespace kinds {

static constexpr int file_mode = 0644;

static void default_downward_items(json::object& source) {
    auto* items = find_list(source, "items");
    if (!items) return;
    for (auto& item : *items) {
        auto* file = item.if_object();
        if (!file) continue;
        if (auto* field = find_object(*file, "fieldRef")) fill_zero(*field, "apiVersion", "v1");
        if (auto* resource = find_object(*file, "resourceFieldRef")) fill(*resource, "divisor", "0");
    }
}

static void default_projected(json::object& projected) {
    fill(projected, "defaultMode", file_mode);
    auto* sources = find_list(projected, "sources");
    if (!sources) return;
    for (auto& item : *sources) {
        auto* source = item.if_object();
        if (!source) continue;
        if (auto* token = find_object(*source, "serviceAccountToken")) fill(*token, "expirationSeconds", 3600);
        if (auto* downward = find_object(*source, "downwardAPI")) default_downward_items(*downward);
        if (auto* pod_certificate = find_object(*source, "podCertificate"))
            fill(*pod_certificate, "maxExpirationSeconds", 86400);
    }
}

/// Sources of former in-tree drivers, alike in pods and in persistent volumes.
static void default_driver_source(json::object& volume) {
    if (auto* iscsi = find_object(volume, "iscsi")) fill_zero(*iscsi, "iscsiInterface", "default");
    if (auto* rbd = find_object(volume, "rbd")) {
        fill_zero(*rbd, "pool", "rbd");
        fill_zero(*rbd, "user", "admin");
        fill_zero(*rbd, "keyring", "/etc/ceph/keyring");
    }
    if (auto* disk = find_object(volume, "azureDisk")) {
        fill(*disk, "cachingMode", "ReadWrite");
        fill(*disk, "fsType", "ext4");
        fill(*disk, "readOnly", false);
        fill(*disk, "kind", "Shared");
    }
    if (auto* scale = find_object(volume, "scaleIO")) {
        fill_zero(*scale, "storageMode", "ThinProvisioned");
        fill_zero(*scale, "fsType", "xfs");
    }
    if (auto* path = find_object(volume, "hostPath")) fill(*path, "type", "");
}

static void default_volume(json::object& volume) {
    if (volume.size() == (volume.contains("name") ? 1U : 0U)) volume["emptyDir"] = json::object();
    for (const auto* source : {"secret", "configMap", "downwardAPI"})
        if (auto* files = find_object(volume, source)) fill(*files, "defaultMode", file_mode);
    if (auto* downward = find_object(volume, "downwardAPI")) default_downward_items(*downward);
    if (auto* projected = find_object(volume, "projected")) default_projected(*projected);
    default_driver_source(volume);
    if (auto* image = find_object(volume, "image"))
        fill_zero(*image, "pullPolicy", pull_policy(Ref(*image)["reference"].str()));
    if (auto* ephemeral = find_object(volume, "ephemeral"))
        if (auto* claim = find_object(*ephemeral, "volumeClaimTemplate")) {
            child(*claim, "metadata");
            default_claim_spec(child(*claim, "spec"));
        }
}

void default_volumes(json::object& pod_spec) {
    auto* volumes = find_list(pod_spec, "volumes");
    if (!volumes) return;
    for (auto& item : *volumes)
        if (auto* volume = item.if_object()) default_volume(*volume);
}

void default_claim_spec(json::object& spec) {
    fill(spec, "volumeMode", "Filesystem");
    child(spec, "resources");
}

void default_claim(json::object& claim) {
    default_claim_spec(child(claim, "spec"));
    fill_zero(child(claim, "status"), "phase", "Pending");
}

void default_persistent_volume(json::object& volume) {
    auto& spec = child(volume, "spec");
    fill_zero(spec, "persistentVolumeReclaimPolicy", "Retain");
    fill(spec, "volumeMode", "Filesystem");
    default_driver_source(spec);
    fill_zero(child(volume, "status"), "phase", "Pending");
}

}  // namespace kinds
