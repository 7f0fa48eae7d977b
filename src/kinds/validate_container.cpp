// Validation of containers of all three sorts, their ports and what they mount.
#include <algorithm>
#include <set>
#include <string>

#include "kinds/validate_pod.h"

namespace kinds {

void check_ports(Checks& checks, const Path& at, Ref ports) {
    std::set<std::string> names;
    const auto& items = ports.items();
    for (std::size_t i = 0; i < items.size(); ++i) {
        const Ref port(items[i]);
        if (const auto name = port["name"].str(); !name.empty()) {
            const auto complaints = port_name(name);
            complain(checks, at[i] / "name", name, complaints);
            if (complaints.empty() && !names.emplace(name).second) checks.duplicate(at[i] / "name", shown(name));
        }
        const auto number = port["containerPort"].num();
        if (number == 0)
            checks.required(at[i] / "containerPort");
        else if (!port_number(number).empty())
            checks.invalid(at[i] / "containerPort", shown(number), port_number(number).front());
        if (const auto host = port["hostPort"].num(); host != 0 && !port_number(host).empty())
            checks.invalid(at[i] / "hostPort", shown(host), port_number(host).front());
        if (port["protocol"].str().empty())
            checks.required(at[i] / "protocol");
        else
            checks.one_of(at[i] / "protocol", port["protocol"], {"TCP", "UDP", "SCTP"});
    }
}

/// Ports of the host that are asked for twice.
static void check_host_port_conflicts(Checks& checks, const Path& at, std::set<std::string>& taken, Ref container) {
    const auto& ports = container["ports"].items();
    for (std::size_t i = 0; i < ports.size(); ++i) {
        const Ref port(ports[i]);
        const auto number = port["hostPort"].num();
        if (number == 0) continue;
        const auto text = std::string(port["protocol"].str()) + "/" + std::string(port["hostIP"].str()) + "/" +
                          std::to_string(number);
        if (!taken.insert(text).second) checks.duplicate((at / "ports")[i] / "hostPort", shown(std::string_view(text)));
    }
}

void check_host_ports(Checks& checks, const Path& at, Ref spec) {
    if (!spec["hostNetwork"].flag()) return;
    const auto& containers = spec["containers"].items();
    for (std::size_t i = 0; i < containers.size(); ++i) {
        const auto& ports = Ref(containers[i])["ports"].items();
        for (std::size_t k = 0; k < ports.size(); ++k) {
            const auto host = Ref(ports[k])["hostPort"].num();
            if (host != 0 && host != Ref(ports[k])["containerPort"].num())
                checks.invalid((at[i] / "ports")[k] / "hostPort", shown(host),
                               "must match `containerPort` when `hostNetwork` is true");
        }
    }
}

static bool has_named(Ref list, std::string_view field, std::string_view value) {
    const auto& items = list.items();
    return std::ranges::any_of(items, [&](const json::value& item) { return Ref(item)[field].str() == value; });
}

/// How mounts made on one side reach the other.
static void check_propagation(Checks& checks, const Path& at, Ref mount, Ref container) {
    const Ref propagation = mount["mountPropagation"];
    if (propagation) {
        checks.one_of(at / "mountPropagation", propagation, {"None", "HostToContainer", "Bidirectional"});
        if (propagation.str() == "Bidirectional" && !container["securityContext"]["privileged"].flag())
            checks.forbidden(at / "mountPropagation",
                             "Bidirectional mount propagation is available only to privileged containers");
    }
    const auto place = at / "recursiveReadOnly";
    const Ref recursive = mount["recursiveReadOnly"];
    if (!recursive || recursive.str() == "Disabled") return;
    if (recursive.str() != "Enabled" && recursive.str() != "IfPossible")
        return checks.unsupported(place, shown(recursive), {"Disabled", "Enabled", "IfPossible"});
    if (!mount["readOnly"].flag()) checks.forbidden(place, "may only be specified when readOnly is true");
    if (propagation.str("None") != "None")
        checks.forbidden(place, "may only be specified when mountPropagation is None or not specified");
}

static void check_volume_mounts(Checks& checks, const Path& at, Ref container, Ref volumes) {
    std::set<std::string> paths;
    const auto& mounts = container["volumeMounts"].items();
    const Ref devices = container["volumeDevices"];
    for (std::size_t i = 0; i < mounts.size(); ++i) {
        const Ref mount(mounts[i]);
        const auto name = mount["name"].str();
        const auto path = mount["mountPath"].str();
        if (name.empty()) checks.required(at[i] / "name");
        if (!has_named(volumes, "name", name)) checks.not_found(at[i] / "name", shown(name));
        if (path.empty()) checks.required(at[i] / "mountPath");
        if (!paths.emplace(path).second) checks.invalid(at[i] / "mountPath", shown(path), "must be unique");
        if (has_named(devices, "name", name))
            checks.invalid(at[i] / "name", shown(name), "must not already exist in volumeDevices");
        if (has_named(devices, "devicePath", path))
            checks.invalid(at[i] / "mountPath", shown(path), "must not already exist as a path in volumeDevices");
        const auto sub = mount["subPath"].str();
        const auto expression = mount["subPathExpr"].str();
        if (!sub.empty()) check_descending_path(checks, at / "subPath", sub);
        if (!expression.empty() && !sub.empty())
            checks.invalid(at[i] / "subPathExpr", shown(expression), "subPathExpr and subPath are mutually exclusive");
        if (!expression.empty()) check_descending_path(checks, at / "subPathExpr", expression);
        check_propagation(checks, at, mount, container);
    }
}

static void check_volume_devices(Checks& checks, const Path& at, Ref container, Ref volumes) {
    std::set<std::string> names, paths;
    const auto& devices = container["volumeDevices"].items();
    const Ref mounts = container["volumeMounts"];
    for (std::size_t i = 0; i < devices.size(); ++i) {
        const auto name = Ref(devices[i])["name"].str();
        const auto path = Ref(devices[i])["devicePath"].str();
        if (name.empty()) checks.required(at[i] / "name");
        if (!names.emplace(name).second) checks.invalid(at[i] / "name", shown(name), "must be unique");
        const auto& known = volumes.items();
        const auto volume =
            std::ranges::find_if(known, [&](const json::value& item) { return Ref(item)["name"].str() == name; });
        if (volume == known.end())
            checks.not_found(at[i] / "name", shown(name));
        else if (!Ref(*volume)["persistentVolumeClaim"] && !Ref(*volume)["ephemeral"])
            checks.invalid(at[i] / "name", shown(name),
                           "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode");
        if (path.empty()) checks.required(at[i] / "devicePath");
        if (!paths.emplace(path).second) checks.invalid(at[i] / "devicePath", shown(path), "must be unique");
        if (steps_back(path)) checks.invalid(at[i] / "devicePath", shown(path), "must not contain '..'");
        if (has_named(mounts, "name", name))
            checks.invalid(at[i] / "name", shown(name), "must not already exist in volumeMounts");
        if (has_named(mounts, "mountPath", path))
            checks.invalid(at[i] / "devicePath", shown(path), "must not already exist as a path in volumeMounts");
    }
}

void check_mounts(Checks& checks, const Path& at, Ref container, Ref volumes) {
    check_volume_mounts(checks, at / "volumeMounts", container, volumes);
    check_volume_devices(checks, at / "volumeDevices", container, volumes);
}

/// What a change of a resource needs; upstream names the list for all but what stands twice.
static void check_resize_policy(Checks& checks, const Path& at, Ref policies, std::string_view pod_policy) {
    std::set<std::string_view> seen;
    const auto& items = policies.items();
    for (std::size_t i = 0; i < items.size(); ++i) {
        const Ref resource = Ref(items[i])["resourceName"];
        const Ref policy = Ref(items[i])["restartPolicy"];
        if (!seen.insert(resource.str()).second) checks.duplicate(at[i], shown(resource.str()));
        if (resource.str().empty())
            checks.required(at);
        else
            checks.one_of(at, resource, {"cpu", "memory"});
        if (policy.str().empty())
            checks.required(at);
        else
            checks.one_of(at, policy, {"NotRequired", "RestartContainer"});
        if (pod_policy == "Never" && policy.str() != "NotRequired")
            checks.invalid(at, shown(policy.str()), "must be 'NotRequired' when `restartPolicy` is 'Never'");
    }
}

/// What all three sorts of containers share.
static void check_common(Checks& checks, const Path& at, Ref container, Ref spec) {
    const auto name = container["name"].str();
    if (name.empty())
        checks.required(at / "name");
    else
        complain(checks, at / "name", name, dns_label(name));
    if (container["image"].str().empty()) checks.required(at / "image");
    const Ref policy = container["terminationMessagePolicy"];
    if (policy.str().empty())
        checks.required(at / "terminationMessagePolicy");
    else
        checks.one_of(at / "terminationMessagePolicy", policy, {"File", "FallbackToLogsOnError"});
    check_ports(checks, at / "ports", container["ports"]);
    check_env(checks, at / "env", container["env"]);
    check_env_from(checks, at / "envFrom", container["envFrom"]);
    check_mounts(checks, at, container, spec["volumes"]);
    const Ref pull = container["imagePullPolicy"];
    if (pull.str().empty())
        checks.required(at / "imagePullPolicy");
    else
        checks.one_of(at / "imagePullPolicy", pull, {"Always", "IfNotPresent", "Never"});
    check_container_resources(checks, at / "resources", container, spec);
    check_resize_policy(checks, at / "resizePolicy", container["resizePolicy"], spec["restartPolicy"].str());
    check_container_security(checks, at / "securityContext", container["securityContext"], spec);
}

static void check_restart_policy(Checks& checks, const Path& at, Ref container) {
    if (container["restartPolicy"])
        checks.one_of(at / "restartPolicy", container["restartPolicy"], {"Always", "OnFailure", "Never"});
}

static void check_app_containers(Checks& checks, const Path& at, Ref spec, std::set<std::string>& names) {
    const auto& items = spec["containers"].items();
    if (items.empty()) checks.required(at);
    for (std::size_t i = 0; i < items.size(); ++i) {
        const Ref container(items[i]);
        check_common(checks, at[i], container, spec);
        const auto name = container["name"].str();
        if (!names.emplace(name).second) checks.duplicate(at[i] / "name", shown(name));
        check_probes(checks, at[i], container, spec);
        check_restart_policy(checks, at[i], container);
    }
    std::set<std::string> taken;
    for (std::size_t i = 0; i < items.size(); ++i) check_host_port_conflicts(checks, at[i], taken, items[i]);
}

static void check_init_containers(Checks& checks, const Path& at, Ref spec, std::set<std::string>& names) {
    const auto& items = spec["initContainers"].items();
    for (std::size_t i = 0; i < items.size(); ++i) {
        const Ref container(items[i]);
        check_common(checks, at[i], container, spec);
        check_restart_policy(checks, at[i], container);
        const auto name = container["name"].str();
        if (!name.empty() && !names.emplace(name).second) checks.duplicate(at[i] / "name", shown(name));
        std::set<std::string> taken;
        check_host_port_conflicts(checks, at[i], taken, container);
        if (container["restartPolicy"].str() == "Always") {
            check_probes(checks, at[i], container, spec);
            continue;
        }
        for (const auto* field : {"lifecycle", "livenessProbe", "readinessProbe", "startupProbe"})
            if (container[field])
                checks.forbidden(at[i] / field, "may not be set for init containers without restartPolicy=Always");
    }
}

static void check_ephemeral_containers(Checks& checks, const Path& at, Ref spec, std::set<std::string>& names) {
    const auto others = names;
    const auto& items = spec["ephemeralContainers"].items();
    for (std::size_t i = 0; i < items.size(); ++i) {
        const Ref container(items[i]);
        check_common(checks, at[i], container, spec);
        const auto name = container["name"].str();
        if (!names.emplace(name).second) checks.duplicate(at[i] / "name", shown(name));
        const auto target = container["targetContainerName"].str();
        if (!target.empty() && !others.contains(std::string(target)))
            checks.not_found(at[i] / "targetContainerName", shown(target));
        for (const auto* field : {"ports", "resources", "resizePolicy", "restartPolicy", "livenessProbe",
                                  "readinessProbe", "startupProbe", "lifecycle"}) {
            const Ref value = container[field];
            if (value.size() > 0 || !value.str().empty())
                checks.forbidden(at[i] / field, "cannot be set for an Ephemeral Container");
        }
        const auto& mounts = container["volumeMounts"].items();
        for (std::size_t k = 0; k < mounts.size(); ++k)
            for (const auto* field : {"subPath", "subPathExpr"})
                if (!Ref(mounts[k])[field].str().empty())
                    checks.forbidden((at[i] / "volumeMounts")[k] / field, "cannot be set for an Ephemeral Container");
    }
}

void check_containers(Checks& checks, const Path& at, Ref spec) {
    std::set<std::string> names;
    check_app_containers(checks, at / "containers", spec, names);
    check_init_containers(checks, at / "initContainers", spec, names);
    check_ephemeral_containers(checks, at / "ephemeralContainers", spec, names);
}

}  // namespace kinds
