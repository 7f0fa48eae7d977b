// A bound pod's spec as the state machine reads it: containers with their roles, policies and hooks. Made once per
// version of the object; keeps the object alive, since its Refs point into it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "object/json.h"

namespace node {

using object::ObjectPtr;
using object::Ref;
namespace json = object::json;

enum class Role : std::uint8_t { init, sidecar, main, ephemeral };
enum class Restart : std::uint8_t { always, on_failure, never };

struct ContainerView {
    std::string name;
    Role role = Role::main;
    Ref spec;
    /// Whether it runs again after ending with this code: its own policy and rules before the pod's.
    bool restarts_after(int exit_code) const;
    bool has_startup_probe() const { return static_cast<bool>(spec["startupProbe"]); }
    bool has_readiness_probe() const { return static_cast<bool>(spec["readinessProbe"]); }
    Ref pre_stop() const { return spec["lifecycle"]["preStop"]; }
    Ref post_start() const { return spec["lifecycle"]["postStart"]; }
    /// "spec.containers{c}": how events name it.
    std::string field_path() const;

    Restart restart = Restart::always;
    bool own_policy = false;
};

struct PodView {
    PodView() = default;
    explicit PodView(ObjectPtr pod);

    ObjectPtr object;
    std::string uid, ns, name;
    std::int64_t generation = 0;
    Ref spec;
    Restart restart = Restart::always;
    bool host_network = false;
    std::int64_t grace_s = 30;
    /// Init containers and sidecars in spec order, then mains, then ephemeral ones.
    std::vector<ContainerView> containers;

    const ContainerView* find(std::string_view container) const;
    /// "p_ns(uid)", as kubelet messages name a pod.
    std::string label() const { return name + "_" + ns + "(" + uid + ")"; }
    std::string hostname() const;
    /// "sub.ns.svc.<domain>"; "" without a subdomain.
    std::string domain(std::string_view cluster_domain) const;
};

}  // namespace node
