// A container's environment and arguments: order, references and $(VAR) expansion as the kubelet does them. Pure:
// objects come through Sources.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "node/pod_view.h"

namespace node {

using Variables = std::vector<std::pair<std::string, std::string>>;

/// Where references lead; lookups give null for what is missing.
struct Sources {
    std::function<ObjectPtr(std::string_view ns, std::string_view name)> config_map, secret;
    std::vector<ObjectPtr> services;  ///< of the pod's namespace
    ObjectPtr api_service;            ///< default/kubernetes
    std::string host_ip, pod_ip;
    std::string allocatable_cpu = "1", allocatable_memory = "1Gi";
    /// The bytes of a file in one of the pod's volumes (fileKeyRef).
    std::function<base::Result<std::string>(std::string_view volume, std::string_view path)> file;
};

/// Names set twice appear once, with the last value. An error is what the API shows as CreateContainerConfigError.
base::Result<Variables> environment(const PodView& pod, const ContainerView& container, const Sources& sources);

/// $(NAME) by `variables`; $$ is a dollar; what is not defined stays as written.
std::string expand(std::string_view text, const std::function<const std::string*(const std::string&)>& find);
/// The same by a list of variables.
std::string expand(std::string_view text, const Variables& variables);

/// metadata.name, metadata.labels['x'], status.podIP ...: the downward API.
base::Result<std::string> field_value(const PodView& pod, const Sources& sources, std::string_view path);
/// limits.cpu and the like of a container, in divisors.
base::Result<std::string> resource_value(const PodView& pod, Ref resource_field, std::string_view own_container,
                                         const Sources& sources);

/// FOO_SERVICE_HOST and the like of one service; nothing for a headless one.
Variables service_variables(const object::Object& service);

}  // namespace node
