// What a pod's volumes hold: the files of ConfigMaps, Secrets, the downward API and tokens as values (pure), and the
// step that makes all volumes of a pod through the Files port.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "node/container_setup.h"
#include "node/environment.h"
#include "node/runtime.h"

namespace node {

struct VolumeFiles {
    std::vector<Files::File> files;
    /// When the shortest-lived token in it should be replaced; nothing without tokens.
    std::optional<base::Duration> renew_after;
};

/// The files of one volume of type configMap, secret, downwardAPI or projected.
base::Result<VolumeFiles> volume_files(const PodView& pod, Ref volume, const Sources& sources, Tokens& tokens);
/// Whether volume_files() serves it.
bool holds_files(Ref volume);

struct VolumesMade {
    MountedVolumes mounted;
    std::optional<base::Duration> renew_after;
};
/// Makes every volume of the pod; an error names the volume as FailedMount events do.
base::Result<VolumesMade> make_volumes(const PodView& pod, const Sources& sources, Files& files, Tokens& tokens);
/// Writes those volumes anew whose files may have changed.
base::Result<VolumesMade> refresh_volumes(const PodView& pod, const Sources& sources, Files& files, Tokens& tokens);

/// Objects whose change matters to the pod: ("configmaps" or "secrets", name), for volumes and environment.
std::set<std::pair<std::string, std::string>> used_objects(const PodView& pod);

}  // namespace node
