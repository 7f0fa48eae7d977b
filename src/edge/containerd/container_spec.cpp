// The defaults here are those of containerd's CRI plugin, from the OCI runtime specification's names.
#include "edge/containerd/container_spec.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

namespace edge {
namespace {

namespace json = boost::json;
using Setup = node::ContainerSetup;

constexpr std::array default_capabilities{
    "CAP_AUDIT_WRITE", "CAP_CHOWN",   "CAP_DAC_OVERRIDE",     "CAP_FOWNER",    "CAP_FSETID",
    "CAP_KILL",        "CAP_MKNOD",   "CAP_NET_BIND_SERVICE", "CAP_NET_RAW",   "CAP_SETFCAP",
    "CAP_SETGID",      "CAP_SETPCAP", "CAP_SETUID",           "CAP_SYS_CHROOT"};

template <class T>
json::array list(const T& items) {
    json::array out;
    for (const auto& item : items) out.emplace_back(item);
    return out;
}

json::object mount(const char* target, const char* type, std::initializer_list<const char*> options) {
    return {{"destination", target}, {"type", type}, {"source", type}, {"options", list(options)}};
}

json::array environment(const SpecInput& in) {
    json::array out;
    const auto has = [&](std::string_view name) {
        return std::ranges::any_of(in.setup.env, [&](const auto& entry) { return entry.first == name; });
    };
    if (!has("PATH")) out.emplace_back("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    if (!has("HOSTNAME") && !in.pod.hostname.empty()) out.emplace_back("HOSTNAME=" + in.pod.hostname);
    if (in.setup.tty && !has("TERM")) out.emplace_back("TERM=xterm");
    for (const auto& [name, value] : in.setup.env) out.emplace_back(name + "=" + value);
    return out;
}

json::object process(const SpecInput& in) {
    const auto& s = in.setup;
    json::array groups{s.gid};  // as upstream: the primary group is among them
    for (const auto gid : s.supplemental_gids)
        if (std::ranges::find(groups, json::value(gid)) == groups.end()) groups.emplace_back(gid);
    const auto held = list(capabilities_for(s, in.machine.capabilities));
    // Without CAP_SYS_RESOURCE nothing goes below our own score: the container starts with ours.
    const int lowest = in.machine.capabilities.contains("CAP_SYS_RESOURCE") ? -1000 : in.machine.oom_score_adj;
    return {{"terminal", s.tty},
            {"user", {{"uid", s.uid}, {"gid", s.gid}, {"additionalGids", groups}}},
            {"args", list(s.argv)},
            {"env", environment(in)},
            {"cwd", s.working_dir.empty() ? "/" : s.working_dir},
            {"capabilities", {{"bounding", held}, {"effective", held}, {"permitted", held}}},
            {"noNewPrivileges", s.no_new_privileges},
            {"oomScoreAdj", std::clamp<std::int64_t>(s.oom_score_adj, lowest, 1000)}};
}

int depth(std::string_view path) { return static_cast<int>(std::ranges::count(path, '/')); }

json::array mounts(const SpecInput& in) {
    const auto& s = in.setup;
    const char* access = s.privileged ? "rw" : "ro";
    std::vector<json::object> all{
        mount("/proc", "proc", {"nosuid", "noexec", "nodev"}),
        mount("/dev", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}),
        mount("/dev/pts", "devpts", {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}),
        mount("/dev/mqueue", "mqueue", {"nosuid", "noexec", "nodev"}),
        mount("/sys", "sysfs", {"nosuid", "noexec", "nodev", access}),
        mount("/sys/fs/cgroup", "cgroup", {"nosuid", "noexec", "nodev", "relatime", access})};
    const auto shm = in.pod.host_ipc ? std::string("/dev/shm") : in.pod_folder + "/shm";
    all.push_back(json::object{{"destination", "/dev/shm"},
                               {"type", "bind"},
                               {"source", shm},
                               {"options", {"rbind", "rw", "nosuid", "nodev", "noexec"}}});

    auto wanted = s.mounts;
    std::ranges::stable_sort(wanted, {}, [](const node::Mount& m) { return depth(m.container_path); });
    for (const auto& m : wanted) {
        std::erase_if(all, [&](const json::object& o) { return o.at("destination").as_string() == m.container_path; });
    }
    for (const auto& m : wanted) {
        const auto propagation = m.propagation.starts_with("r") ? m.propagation : "r" + m.propagation;
        all.push_back(json::object{{"destination", m.container_path},
                                   {"type", "bind"},
                                   {"source", m.host_path},
                                   {"options", json::array{"rbind", propagation, m.read_only ? "ro" : "rw"}}});
    }
    return list(all);
}

json::array namespaces(const SpecInput& in) {
    json::array out;
    out.push_back(json::object{{"type", "mount"}});
    if (!in.pid_namespace.empty()) {
        out.push_back(json::object{{"type", "pid"}, {"path", in.pid_namespace}});
    } else if (!in.pod.host_pid) {
        out.push_back(json::object{{"type", "pid"}});
    }
    if (!in.pod.host_ipc) out.push_back(json::object{{"type", "ipc"}, {"path", in.pod_folder + "/ipc"}});
    if (!in.pod.host_network) {
        out.push_back(json::object{{"type", "network"}, {"path", in.pod_folder + "/net"}});
        out.push_back(json::object{{"type", "uts"}, {"path", in.pod_folder + "/uts"}});
    }
    if (in.machine.cgroups == Cgroups::Layout::v2) out.push_back(json::object{{"type", "cgroup"}});
    return out;
}

json::object resources(const SpecInput& in) {
    const auto& s = in.setup;
    json::object cpu{{"shares", std::max<std::int64_t>(2, s.cpu_shares)}};
    if (s.cpu_quota_us > 0) {
        cpu["quota"] = s.cpu_quota_us;
        cpu["period"] = 100000;
    }
    json::array device_rules;
    device_rules.push_back(json::object{{"allow", s.privileged}, {"access", "rwm"}});
    json::object out{{"cpu", cpu}, {"devices", device_rules}};
    if (s.memory_limit_bytes > 0) out["memory"] = {{"limit", s.memory_limit_bytes}};
    return out;
}

json::array devices(const SpecInput& in) {
    json::array out;
    if (!in.setup.privileged) return out;
    for (const auto& d : in.machine.devices) {
        out.push_back(json::object{{"path", d.path},
                                   {"type", std::string(1, d.type)},
                                   {"major", d.major},
                                   {"minor", d.minor},
                                   {"fileMode", d.mode},
                                   {"uid", 0},
                                   {"gid", 0}});
    }
    return out;
}

std::string root_propagation(const Setup& setup) {
    const auto any = [&](std::string_view kind) {
        return std::ranges::any_of(setup.mounts, [&](const node::Mount& m) { return m.propagation == kind; });
    };
    return any("rshared") ? "rshared" : any("rslave") ? "rslave" : "";
}

}  // namespace

std::vector<std::string> capabilities_for(const Setup& setup, const std::set<std::string>& allowed) {
    const auto full = [](std::string name) {
        std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::toupper(c); });
        return name.starts_with("CAP_") ? name : "CAP_" + name;
    };
    const auto has = [&](const std::vector<std::string>& names, std::string_view wanted) {
        return std::ranges::any_of(names, [&](const auto& name) { return full(name) == wanted; });
    };
    if (setup.privileged) return {allowed.begin(), allowed.end()};
    std::set<std::string> held;
    if (has(setup.capabilities_add, "CAP_ALL")) {
        held = allowed;
    } else if (!has(setup.capabilities_drop, "CAP_ALL")) {
        held.insert(default_capabilities.begin(), default_capabilities.end());
    }
    for (const auto& name : setup.capabilities_drop) held.erase(full(name));
    for (const auto& name : setup.capabilities_add) held.insert(full(name));
    // What we do not have cannot be handed on: the container starts without it.
    std::erase_if(held, [&](const auto& name) { return !allowed.contains(name); });
    return {held.begin(), held.end()};
}

json::value container_spec(const SpecInput& in) {
    const auto& s = in.setup;
    const bool masked = !s.privileged && s.proc_mount != "Unmasked";
    json::object linux_part{{"namespaces", namespaces(in)},
                            {"cgroupsPath", in.pod.cgroup + "/" + in.id},
                            {"resources", resources(in)},
                            {"devices", devices(in)}};
    if (masked) {
        linux_part["maskedPaths"] = {"/proc/acpi",       "/proc/asound",      "/proc/interrupts",
                                     "/proc/kcore",      "/proc/keys",        "/proc/latency_stats",
                                     "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
                                     "/proc/scsi",       "/sys/firmware",     "/sys/devices/virtual/powercap"};
        linux_part["readonlyPaths"] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
    }
    if (const auto propagation = root_propagation(s); !propagation.empty())
        linux_part["rootfsPropagation"] = propagation;
    if (!in.seccomp.is_null() && !s.privileged) linux_part["seccomp"] = in.seccomp;
    // No "hostname": it would change the whole pod's.
    return {{"ociVersion", "1.0.2"},
            {"process", process(in)},
            {"root", {{"path", "rootfs"}, {"readonly", s.read_only_root}}},
            {"mounts", mounts(in)},
            {"linux", linux_part},
            {"annotations", {{"io.containerd.runc.v2.group", in.pod.uid}}}};
}

json::value exec_process(const json::value& container, const std::vector<std::string>& argv) {
    auto process = container.at("process").as_object();
    process["args"] = list(argv);
    process["terminal"] = false;
    return process;
}

}  // namespace edge
