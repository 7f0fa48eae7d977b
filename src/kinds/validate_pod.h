// The parts of a pod spec's validation, in the order in which validate_pod.cpp asks for them.
#pragma once

#include "kinds/validate.h"

namespace kinds {

/// Parts of one container.
void check_ports(Checks& checks, const Path& at, Ref ports);
void check_env(Checks& checks, const Path& at, Ref env);
void check_env_from(Checks& checks, const Path& at, Ref sources);
/// A field of the pod that an environment variable or a file may show.
enum class FieldUse : std::uint8_t { env, file };
void check_field_ref(Checks& checks, const Path& at, Ref selector, FieldUse use);
void check_resource_ref(Checks& checks, const Path& at, Ref selector, FieldUse use);
void check_mounts(Checks& checks, const Path& at, Ref container, Ref volumes);
/// `spec` has the grace period that a hook may not outlast.
void check_probes(Checks& checks, const Path& at, Ref container, Ref spec);
void check_container_security(Checks& checks, const Path& at, Ref context, Ref spec);
void check_seccomp(Checks& checks, const Path& at, Ref profile);
void check_app_armor(Checks& checks, const Path& at, Ref profile);
void check_container_resources(Checks& checks, const Path& at, Ref container, Ref spec);

/// There is one, without blanks around it.
void check_image(Checks& checks, const Path& at, std::string_view image);

/// What holds for Pods: the spec, and what does not hold for templates.
void check_pod(Checks& checks, Ref pod);
/// Parts of the spec.
void check_pod_resources(Checks& checks, const Path& at, Ref spec);
void check_host_ports(Checks& checks, const Path& at, Ref spec);
void check_affinity(Checks& checks, const Path& at, Ref affinity);
void check_spread(Checks& checks, const Path& at, Ref constraints);
void check_tolerations(Checks& checks, const Path& at, Ref tolerations);
/// Users of the pod's own go with no namespace of the host.
void check_host_users(Checks& checks, const Path& at, Ref spec);
/// The operating system, and fields that are another's.
void check_os(Checks& checks, const Path& at, Ref spec);
void check_dns(Checks& checks, const Path& at, Ref spec);
/// A path inside something: relative and without "..".
void check_descending_path(Checks& checks, const Path& at, std::string_view path);
bool steps_back(std::string_view path);

}  // namespace kinds
