// The small files that every pod gets: /etc/hosts, /etc/resolv.conf, /etc/hostname. Pure: the host's own files are
// given.
#pragma once

#include <string>

#include "node/pod_view.h"

namespace node {

struct DnsSettings {
    std::string cluster_domain = "cluster.local";
    std::string service_ip;  ///< of the cluster's DNS; "" none
};

std::string hosts_file(const PodView& pod, std::string_view pod_ip, std::string_view cluster_domain,
                       std::string_view host_file);
std::string resolv_conf(const PodView& pod, const DnsSettings& dns, std::string_view host_file);

}  // namespace node
