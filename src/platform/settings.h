// Everything that the platform can be told, declared once: flags, environment (SLIPWAY_*), file and help derive from
// it.
#pragma once

#include <filesystem>
#include <string>

#include "kit/setting.h"

namespace platform {

using kit::Setting;

struct Settings {
    Setting<std::string> data_dir{"data-dir", "Where state, keys, images and logs are kept.", "/var/lib/slipway"};
    Setting<std::string> run_dir{"run-dir", "Where sockets, pins and mounts of this boot are kept.", "/run/slipway"};
    Setting<std::string> name{"instance",
                              "Distinguishes platforms on one machine: names the bridge, the packet "
                              "table and the cgroups. At most 10 characters.",
                              "slipway"};
    Setting<std::string> address{"api-address", "The address on which the API listens.", "127.0.0.1"};
    Setting<std::uint16_t> port{"api-port", "The port on which the API listens.", "6443"};
    Setting<std::string> node_name{"node-name", "The node's name; empty: the host's.", ""};
    Setting<std::string> pod_cidr{"pod-cidr", "The pods' address range; its first address is the machine's in it.",
                                  "10.244.0.0/24"};
    Setting<std::string> service_cidr{"service-cidr", "The services' address range.", "10.96.0.0/16"};
    Setting<std::int64_t> pods_max{"pods-max", "How many pods the node takes.", "250"};
    Setting<std::string> registry_mirrors{
        "registry-mirrors", "A folder in certs.d form (<host>/hosts.toml) that says where images are pulled from.",
        "/etc/slipway/certs.d"};
    Setting<std::string> log_level{"log-level", "The least level that is logged: debug, info, warn or error.", "info"};
};

}  // namespace platform
