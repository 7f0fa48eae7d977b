// Image names in full, as a registry and the container runtime know them.
#pragma once

#include <string>
#include <string_view>

namespace node {

/// "docker.io/library/busybox:1.36" for "busybox:1.36"; a name with a digest loses its tag; "" when it is no name.
std::string full_image_name(std::string_view name);

}  // namespace node
