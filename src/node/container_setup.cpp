// Container specs to runtime setups: words, variables, identity, security, resources, labels.
#include "node/container_setup.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "engine/pod_use.h"
#include "node/resources.h"

namespace node {
namespace {

using base::Code;
using base::Result;

std::vector<std::string> expanded(Ref list, const Variables& variables) {
    std::vector<std::string> result;
    for (const Ref word : list.items()) result.push_back(expand(word.str(), variables));
    return result;
}

std::optional<std::int64_t> number(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
    return value;
}

class Builder {
 public:
    explicit Builder(const SetupInput& input)
        : in_(input),
          spec_(input.container->spec),
          own_(spec_["securityContext"]),
          shared_(input.pod->spec["securityContext"]) {}

    Result<ContainerSetup> build() {
        setup_.pod_uid = in_.pod->uid;
        setup_.name = in_.container->name;
        setup_.attempt = in_.attempt;
        setup_.image_ref = in_.image->ref;
        words();
        variables();
        TRY(identity());
        security();
        resources();
        labels();
        return std::move(setup_);
    }

 private:
    /// The container's setting before the pod's.
    Ref either(std::string_view name) const {
        const auto own = own_[name];
        return own.missing() || (own.value() && own.value()->is_null()) ? shared_[name] : own;
    }

    /// command replaces the entrypoint and the image's arguments; args alone replace the arguments.
    void words() {
        const auto command = expanded(spec_["command"], *in_.variables);
        const auto args = expanded(spec_["args"], *in_.variables);
        setup_.argv = command.empty() ? in_.image->entrypoint : command;
        const auto& rest = !args.empty() || !command.empty() ? args : in_.image->cmd;
        setup_.argv.insert(setup_.argv.end(), rest.begin(), rest.end());
        setup_.working_dir = spec_["workingDir"].str(in_.image->working_dir);
        if (setup_.working_dir.empty()) setup_.working_dir = "/";
        setup_.tty = spec_["tty"].flag();
        setup_.stdin_open = spec_["stdin"].flag();
    }

    void set_variable(std::string name, std::string value) {
        auto found = std::ranges::find(setup_.env, name, [](const auto& v) -> const std::string& { return v.first; });
        if (found == setup_.env.end())
            setup_.env.emplace_back(std::move(name), std::move(value));
        else
            found->second = std::move(value);
    }

    void variables() {
        set_variable("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        set_variable("HOSTNAME", in_.hostname);
        if (setup_.tty) set_variable("TERM", "xterm");
        for (const auto& word : in_.image->env) {
            const auto equals = word.find('=');
            if (equals != word.npos) set_variable(word.substr(0, equals), word.substr(equals + 1));
        }
        for (const auto& [name, value] : *in_.variables) set_variable(name, value);
    }

    Result<void> identity() {
        const auto user = either("runAsUser"), group = either("runAsGroup");
        const bool non_root = either("runAsNonRoot").flag();
        const auto& image_user = in_.image->user;
        const auto name = image_user.substr(0, image_user.find(':'));
        const auto image_uid = name.empty() ? std::optional<std::int64_t>(0) : number(name);
        const auto where = " (pod: \"" + in_.pod->label() + "\", container: " + in_.container->name + ")";
        if (non_root && user && user.num() == 0)
            return base::fail(Code::invalid, "container's runAsUser breaks non-root policy" + where);
        if (non_root && !user && !image_uid)
            return base::fail(Code::invalid, "container has runAsNonRoot and image has non-numeric user (" + name +
                                                 "), cannot verify user is non-root" + where);
        if (non_root && !user && *image_uid == 0)
            return base::fail(Code::invalid, "container has runAsNonRoot and image will run as root" + where);
        setup_.gid = group ? group.num() : -1;
        if (user) {
            setup_.uid = user.num();
        } else {
            setup_.uid = image_uid.value_or(0);
            const auto colon = image_user.find(':');
            const auto group_name = colon == image_user.npos ? "" : image_user.substr(colon + 1);
            const auto image_gid = number(group_name);
            if (!image_uid || (!group_name.empty() && !image_gid)) setup_.user = image_user;
            if (!group && image_gid) setup_.gid = *image_gid;
        }
        for (const Ref extra : shared_["supplementalGroups"].items()) setup_.supplemental_gids.push_back(extra.num());
        setup_.groups_of_image = shared_["supplementalGroupsPolicy"].str("Merge") == "Merge";
        if (shared_["fsGroup"]) setup_.supplemental_gids.push_back(shared_["fsGroup"].num());
        return {};
    }

    void security() {
        setup_.privileged = own_["privileged"].flag();
        setup_.no_new_privileges = !own_["allowPrivilegeEscalation"].flag(true);
        setup_.read_only_root = own_["readOnlyRootFilesystem"].flag();
        for (const Ref c : own_["capabilities"]["add"].items()) setup_.capabilities_add.emplace_back(c.str());
        for (const Ref c : own_["capabilities"]["drop"].items()) setup_.capabilities_drop.emplace_back(c.str());
        const auto seccomp = either("seccompProfile");
        if (seccomp["type"].str() == "RuntimeDefault") setup_.seccomp = "RuntimeDefault";
        if (seccomp["type"].str() == "Localhost") setup_.seccomp = seccomp["localhostProfile"].str();
        if (setup_.privileged) setup_.seccomp.clear();
        setup_.proc_mount = own_["procMount"].str("Default");
    }

    void resources() {
        const auto list = spec_["resources"];
        const auto cpu_limit = engine::quantity_milli(limit_of(in_.pod->spec, spec_, "cpu"));
        const auto asked = list["requests"]["cpu"];
        setup_.cpu_shares = cpu_shares(asked ? engine::quantity_milli(asked) : cpu_limit);
        setup_.cpu_quota_us = cpu_quota_us(cpu_limit);
        setup_.memory_limit_bytes = engine::quantity_whole(limit_of(in_.pod->spec, spec_, "memory"));
        const auto memory = engine::quantity_whole(list["requests"]["memory"]);
        setup_.oom_score_adj = oom_score_adj(qos_of(Ref(in_.pod->object->value())), memory, in_.memory_capacity);
    }

    void labels() {
        setup_.labels["io.kubernetes.pod.uid"] = in_.pod->uid;
        setup_.labels["io.kubernetes.pod.namespace"] = in_.pod->ns;
        setup_.labels["io.kubernetes.pod.name"] = in_.pod->name;
        setup_.labels["io.kubernetes.container.name"] = in_.container->name;
        setup_.labels["slipway.dev/image"] = spec_["image"].str();
        const auto* resources = spec_["resources"].value();
        setup_.labels["slipway.dev/resources"] = resources ? json::serialize(*resources) : "{}";
    }

    const SetupInput& in_;
    Ref spec_, own_, shared_;
    ContainerSetup setup_;
};

}  // namespace

Result<ContainerSetup> container_setup(const SetupInput& input) { return Builder(input).build(); }

Result<std::string> sub_path_of(Ref mount, const Variables& variables) {
    std::string path(mount["subPath"].str());
    if (const auto expression = mount["subPathExpr"].str(); !expression.empty()) {
        bool missing = false;
        path = expand(expression, [&](const std::string& name) -> const std::string* {
            const auto found =
                std::ranges::find(variables, name, [](const auto& v) -> const std::string& { return v.first; });
            missing = missing || found == variables.end();
            return found == variables.end() ? nullptr : &found->second;
        });
        if (missing)
            return base::fail(Code::invalid, "failed to expand subPathExpr of volumeMount \"" +
                                                 std::string(mount["name"].str()) + "\": missing value");
    }
    const bool leads_out = path.starts_with('/') || path == ".." || path.starts_with("../") || path.ends_with("/..") ||
                           path.find("/../") != path.npos;
    if (leads_out)
        return base::fail(Code::invalid, "error SubPath `" + path + "` must not contain '..' or be absolute");
    return path;
}

PodSetup pod_setup(const PodView& pod, std::string_view cluster_domain) {
    PodSetup setup;
    setup.uid = pod.uid;
    setup.ns = pod.ns;
    setup.name = pod.name;
    setup.hostname = pod.hostname();
    if (const auto domain = pod.domain(cluster_domain); pod.spec["setHostnameAsFQDN"].flag() && !domain.empty())
        setup.hostname += "." + domain;
    setup.host_network = pod.host_network;
    setup.host_pid = pod.spec["hostPID"].flag();
    setup.host_ipc = pod.spec["hostIPC"].flag();
    setup.share_process_namespace = pod.spec["shareProcessNamespace"].flag();
    for (const Ref sysctl : pod.spec["securityContext"]["sysctls"].items())
        setup.sysctls[std::string(sysctl["name"].str())] = sysctl["value"].str();
    const auto qos = qos_of(Ref(pod.object->value()));
    setup.qos = cgroup_name(qos);
    const auto all = pod_resources(pod.spec);
    setup.cpu_shares = qos == Qos::best_effort ? 2 : cpu_shares(all.milli_cpu_request);
    setup.cpu_quota_us = cpu_quota_us(all.milli_cpu_limit);
    setup.memory_limit_bytes = all.memory_limit;
    setup.labels["io.kubernetes.pod.uid"] = pod.uid;
    setup.labels["io.kubernetes.pod.namespace"] = pod.ns;
    setup.labels["io.kubernetes.pod.name"] = pod.name;
    return setup;
}

std::string unsafe_sysctl(const PodView& pod) {
    static constexpr std::array<std::string_view, 14> safe{"kernel.shm_rmid_forced",
                                                           "net.ipv4.ip_local_port_range",
                                                           "net.ipv4.tcp_syncookies",
                                                           "net.ipv4.ping_group_range",
                                                           "net.ipv4.ip_unprivileged_port_start",
                                                           "net.ipv4.ip_local_reserved_ports",
                                                           "net.ipv4.tcp_keepalive_time",
                                                           "net.ipv4.tcp_fin_timeout",
                                                           "net.ipv4.tcp_keepalive_intvl",
                                                           "net.ipv4.tcp_keepalive_probes",
                                                           "net.ipv4.tcp_rmem",
                                                           "net.ipv4.tcp_wmem",
                                                           "net.ipv4.tcp_slow_start_after_idle",
                                                           "net.ipv4.tcp_notsent_lowat"};
    for (const Ref sysctl : pod.spec["securityContext"]["sysctls"].items()) {
        std::string name(sysctl["name"].str());
        std::ranges::replace(name, '/', '.');
        if (std::ranges::find(safe, name) == safe.end()) return name;
    }
    return "";
}

std::vector<std::int64_t> groups_of(const ContainerSetup& setup, std::int64_t gid) {
    std::vector<std::int64_t> groups{gid};
    for (const auto extra : setup.supplemental_gids)
        if (std::ranges::find(groups, extra) == groups.end()) groups.push_back(extra);
    return groups;
}

}  // namespace node
