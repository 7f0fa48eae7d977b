// volumeMounts.subPath: a place inside a volume, opened so that no link in it leads out, then bound to a place of our
// own, so that nobody can put a link there between the look and the container's start.
#pragma once

#include <string>

#include "base/result.h"

namespace edge {

/// Missing folders are made, with the volume's mode. `binds` is the folder for the binds. Error: it leads out of the volume.
base::Result<std::string> bind_sub_path(const std::string& volume, const std::string& sub, const std::string& binds);

}  // namespace edge
