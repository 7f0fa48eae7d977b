// The platform put together: every room made, wired and started, on one loop.
#pragma once

#include "base/result.h"
#include "platform/settings.h"

namespace platform {

/// Serves until SIGTERM or SIGINT; pods go on running afterwards. `ready` runs once the node is Ready.
base::Result<void> serve(const Settings& settings, std::function<void()> ready);

/// Ends every pod and the private containerd; unmounts, unroutes and removes what was made. Data is kept.
base::Result<void> wipe(const Settings& settings);

/// Imports an image archive (OCI or docker) into the running platform's containerd.
base::Result<std::vector<std::string>> load_image(const Settings& settings, const std::string& archive);

std::string kubeconfig_path(const Settings& settings);

}  // namespace platform
