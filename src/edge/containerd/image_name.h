// Image names as people write them, in the full form that containerd and CRI keep: "busybox" is
// "docker.io/library/busybox:latest". Pure.
#pragma once

#include <string>

namespace edge {

std::string full_image_name(const std::string& name);
/// The repository of a full name: without tag and digest.
std::string image_repository(const std::string& full_name);

}  // namespace edge
