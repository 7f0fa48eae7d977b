// Ports of the host that pods have without being on its network (containerPort with hostPort), as port rules.
#pragma once

#include <vector>

#include "network/rule_set.h"
#include "object/json.h"

namespace network {

/// Under this name a pod's rules stand among those of services, which have no slash in theirs.
ServiceName host_ports_name(std::string_view ns, std::string_view pod);

bool has_host_ports(const object::Object& pod);

/// One rule a host port, while the pod has an address of its own and is not on its way out. A port without a hostIP is
/// met on every address of this machine, 127.0.0.1 among them.
std::vector<PortRule> host_port_rules(const object::Object& pod);

}  // namespace network
