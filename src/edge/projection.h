// A volume whose files change all at once: they stand in a folder of their own, "..data" is a link to it, and each
// name in the volume is a link through "..data" (as on any cluster: programs watch for the link's change).
#pragma once

#include <string>
#include <vector>

#include "node/runtime.h"

namespace edge {

/// `folder` exists. Does nothing when the files are as wanted already.
base::Result<void> project_files(const std::string& folder, const std::vector<node::Files::File>& files,
                                 node::Files::Ownership owner);

}  // namespace edge
