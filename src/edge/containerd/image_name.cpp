// The rules of the distribution reference grammar that matter for defaults.
#include "edge/containerd/image_name.h"

namespace edge {

std::string full_image_name(const std::string& name) {
    if (name.starts_with("sha256:")) return name;
    const auto slash = name.find('/');
    const auto first = name.substr(0, slash);
    const bool has_host =
        slash != std::string::npos && (first.find_first_of(".:") != std::string::npos || first == "localhost");
    auto full = has_host ? name : "docker.io/" + (slash == std::string::npos ? "library/" + name : name);
    if (first == "index.docker.io" && has_host) full = "docker.io" + full.substr(first.size());
    const auto last = full.substr(full.rfind('/'));
    if (last.find(':') == std::string::npos && last.find('@') == std::string::npos) full += ":latest";
    return full;
}

std::string image_repository(const std::string& full_name) {
    auto name = full_name.substr(0, full_name.find('@'));
    const auto colon = name.rfind(':');
    return colon != std::string::npos && colon > name.rfind('/') ? name.substr(0, colon) : name;
}

}  // namespace edge
