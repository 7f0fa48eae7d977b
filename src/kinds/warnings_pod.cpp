// Warnings about pods and their templates: what is allowed and yet does not do what its writer may think.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <utility>

#include "kinds/resources.h"
#include "kinds/warnings.h"

namespace kinds {

using object::Ref;
namespace json = object::json;

namespace {

using Lines = std::vector<std::string>;
using Named = std::pair<std::string_view, std::string_view>;

/// Volume sources of pods that no longer do anything, or soon will not.
constexpr Named old_volumes[] = {{"photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"},
                                 {"gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"},
                                 {"scaleIO", "deprecated in v1.16, non-functional in v1.22+"},
                                 {"flocker", "deprecated in v1.22, non-functional in v1.25+"},
                                 {"storageos", "deprecated in v1.22, non-functional in v1.25+"},
                                 {"quobyte", "deprecated in v1.22, non-functional in v1.25+"},
                                 {"glusterfs", "deprecated in v1.25, non-functional in v1.26+"},
                                 {"cephfs", "deprecated in v1.28, non-functional in v1.31+"},
                                 {"rbd", "deprecated in v1.28, non-functional in v1.31+"}};

constexpr Named old_node_labels[] = {
    {"beta.kubernetes.io/arch", "deprecated since v1.14; use \"kubernetes.io/arch\" instead"},
    {"beta.kubernetes.io/os", "deprecated since v1.14; use \"kubernetes.io/os\" instead"},
    {"failure-domain.beta.kubernetes.io/region",
     "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead"},
    {"failure-domain.beta.kubernetes.io/zone", "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead"},
    {"beta.kubernetes.io/instance-type", "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead"},
    {"app.kubernetes.io/created-by", "deprecated since v1.9"},
    {"scheduler.alpha.kubernetes.io/preferAvoidPods", "deprecated since v1.22; use Taints and Tolerations instead"},
    {"node-role.kubernetes.io/master", "use \"node-role.kubernetes.io/control-plane\" instead"}};

constexpr Named old_annotations[] = {
    {"scheduler.alpha.kubernetes.io/critical-pod",
     "non-functional in v1.16+; use the \"priorityClassName\" field instead"},
    {"security.alpha.kubernetes.io/sysctls", "non-functional in v1.11+; use the \"sysctls\" field instead"},
    {"security.alpha.kubernetes.io/unsafe-sysctls", "non-functional in v1.11+; use the \"sysctls\" field instead"}};

std::string_view said_of(std::span<const Named> list, std::string_view name) {
    const auto found = std::ranges::find(list, name, &Named::first);
    return found == list.end() ? std::string_view{} : found->second;
}

constexpr const char* container_lists[] = {"initContainers", "containers", "ephemeralContainers"};

/// Calls `seen(container, path)` for every container of the pod.
template <class Seen>
void each_container(Ref spec, const std::string& path, const Seen& seen) {
    for (const auto* list : container_lists) {
        std::size_t i = 0;
        for (const auto& one : spec[list].items()) seen(Ref(one), fmt::format("{}.{}[{}]", path, list, i++));
    }
}

void node_terms(Ref terms, std::string_view member, const std::string& path, Lines& out) {
    std::size_t i = 0;
    for (const auto& item : terms.items()) {
        const Ref term = member.empty() ? Ref(item) : Ref(item)[member];
        std::size_t k = 0;
        for (const auto& expression : term["matchExpressions"].items()) {
            const auto key = Ref(expression)["key"].str();
            if (const auto old = said_of(old_node_labels, key); !old.empty())
                out.push_back(fmt::format("{}[{}].matchExpressions[{}].key: {} is {}", path, i, k, key, old));
            ++k;
        }
        ++i;
    }
}

void pod_terms(Ref affinity, const std::string& path, Lines& out) {
    constexpr auto nothing = "a null labelSelector results in matching no pod";
    std::size_t i = 0;
    for (const auto& term : affinity["requiredDuringSchedulingIgnoredDuringExecution"].items()) {
        if (!Ref(term)["labelSelector"])
            out.push_back(fmt::format("{}.requiredDuringSchedulingIgnoredDuringExecution[{}].labelSelector: {}", path,
                                      i, nothing));
        ++i;
    }
    i = 0;
    for (const auto& term : affinity["preferredDuringSchedulingIgnoredDuringExecution"].items()) {
        if (!Ref(term)["podAffinityTerm"]["labelSelector"])
            out.push_back(
                fmt::format("{}.preferredDuringSchedulingIgnoredDuringExecution[{}].podAffinityTerm.labelSelector: {}",
                            path, i, nothing));
        ++i;
    }
}

void placement(Ref spec, const std::string& path, Lines& out) {
    for (const auto& [key, value] : spec["nodeSelector"].members())
        if (const auto old = said_of(old_node_labels, key); !old.empty())
            out.push_back(fmt::format("{}.nodeSelector[{}]: {}", path, std::string_view(key), old));
    const Ref affinity = spec["affinity"];
    const auto node = path + ".affinity.nodeAffinity";
    node_terms(affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"], "",
               node + ".requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms", out);
    node_terms(affinity["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"], "preference",
               node + ".preferredDuringSchedulingIgnoredDuringExecution", out);
    std::size_t i = 0;
    for (const auto& rule : spec["topologySpreadConstraints"].items()) {
        const auto at = fmt::format("{}.topologySpreadConstraints[{}]", path, i++);
        const auto key = Ref(rule)["topologyKey"].str();
        if (const auto old = said_of(old_node_labels, key); !old.empty())
            out.push_back(fmt::format("{}.topologyKey: {} is {}", at, key, old));
        if (!Ref(rule)["labelSelector"])
            out.push_back(at + ".labelSelector: a null labelSelector results in matching no pod");
    }
    for (const auto* which : {"podAffinity", "podAntiAffinity"})
        pod_terms(affinity[which], fmt::format("{}.affinity.{}", path, which), out);
}

void volumes(Ref spec, const std::string& path, Lines& out) {
    std::size_t i = 0;
    for (const auto& volume : spec["volumes"].items()) {
        for (const auto& [name, since] : old_volumes)
            if (!Ref(volume)[name].missing()) out.push_back(fmt::format("{}.volumes[{}].{}: {}", path, i, name, since));
        ++i;
    }
}

/// Paths of projected tokens that another source of any projected volume writes too.
void token_paths(Ref spec, const std::string& path, Lines& out) {
    std::set<std::string_view> tokens;
    const auto each_source = [&](const auto& seen) {
        std::size_t i = 0;
        for (const auto& volume : spec["volumes"].items()) {
            for (const auto& source : Ref(volume)["projected"]["sources"].items()) seen(Ref(source), i);
            ++i;
        }
    };
    each_source([&](Ref source, std::size_t) {
        if (const Ref token = source["serviceAccountToken"]) tokens.insert(token["path"].str());
    });
    if (tokens.empty()) return;
    each_source([&](Ref source, std::size_t volume) {
        for (const auto* kind : {"configMap", "secret", "downwardAPI"})
            for (const auto& item : source[kind]["items"].items())
                if (const auto own = Ref(item)["path"].str(); tokens.contains(own))
                    out.push_back(
                        fmt::format("{}.volumes[{}].projected.sources.{}: has duplicated path with "
                                    "ServiceAccountToken \"{}\"",
                                    path, volume, kind, own));
    });
}

void repeated(Ref list, std::string_view member, const std::string& path, std::string_view what, Lines& out) {
    std::set<std::string_view> seen;
    std::size_t i = 0;
    for (const auto& item : list.items()) {
        const auto value = Ref(item)[member].str();
        if (!seen.insert(value).second)
            out.push_back(fmt::format("{}[{}].{}: duplicate {} \"{}\"", path, i, member, what, value));
        ++i;
    }
}

void fractions(Ref amounts, const std::string& path, Lines& out) {
    for (const auto* name : {"memory", "ephemeral-storage"}) {
        const Ref amount = amounts[name];
        if (!amount) continue;
        if (amount_of(amount).milli_value() % 1000 != 0)
            out.push_back(fmt::format("{}[{}]: fractional byte value \"{}\" is invalid, must be an integer", path, name,
                                      amount.str()));
    }
}

/// A later definition is fine where it builds on the earlier one: X="$(X)more".
void environment(Ref container, const std::string& path, Lines& out) {
    std::set<std::string_view> names;
    std::size_t i = 0;
    for (const auto& one : container["env"].items()) {
        const Ref variable(one);
        const auto name = variable["name"].str();
        const auto itself = fmt::format("$({})", name);
        const auto value = variable["value"].str();
        const bool builds_on = !variable["valueFrom"] && value != itself && value.find(itself) != value.npos;
        if (!names.insert(name).second && !builds_on)
            out.push_back(
                fmt::format("{}.env[{}]: hides previous definition of \"{}\", which may be dropped when using apply",
                            path, i, name));
        ++i;
    }
}

struct Port {
    std::string path;
    std::string_view host_ip;
    std::int64_t host_port = 0;
};

/// What two definitions of one port and protocol are to each other; "" where they get along.
std::string_view clash(const Port& a, const Port& b) {
    if (a.host_ip == b.host_ip && a.host_port == b.host_port) return "duplicate";
    if (a.host_port == 0 || b.host_port == 0) return "overlapping";
    const bool one_is_anywhere = a.host_ip.empty() != b.host_ip.empty();
    return a.host_port == b.host_port && one_is_anywhere ? "dangerously ambiguous" : "";
}

void ports(Ref spec, const std::string& path, Lines& out) {
    std::map<std::pair<std::int64_t, std::string_view>, std::vector<Port>> all;
    std::map<std::string_view, std::string> names;
    each_container(spec, path, [&](Ref container, const std::string& at) {
        std::size_t i = 0;
        for (const auto& one : container["ports"].items()) {
            const Ref port(one);
            const Port mine{fmt::format("{}.ports[{}]", at, i++), port["hostIP"].str(), port["hostPort"].num()};
            if (!mine.host_ip.empty() && mine.host_port == 0)
                out.push_back(mine.path + ": hostIP set without hostPort");
            auto& others = all[{port["containerPort"].num(), port["protocol"].str("TCP")}];
            for (const auto& other : others)
                if (const auto how = clash(mine, other); !how.empty())
                    out.push_back(fmt::format("{}: {} port definition with {}", mine.path, how, other.path));
            if (const auto name = port["name"].str(); !name.empty())
                if (const auto [first, is_new] = names.try_emplace(name, mine.path); !is_new)
                    out.push_back(
                        fmt::format("{}: duplicate port name \"{}\" with {}, services and probes that select "
                                    "ports by name will use {}",
                                    mine.path, name, first->second, first->second));
            others.push_back(mine);
        }
    });
}

void annotations(Ref metadata, Ref spec, const std::string& prefix, Lines& out) {
    const Ref all = metadata["annotations"];
    const auto old = [&](std::string_view key, std::string_view what) {
        if (!all[key].missing()) out.push_back(fmt::format("{}metadata.annotations[{}]: {}", prefix, key, what));
    };
    for (const auto& [key, what] : old_annotations) old(key, what);
    constexpr auto seccomp = "non-functional in v1.27+; use the \"seccompProfile\" field instead";
    if (!spec["securityContext"]["seccompProfile"]) old("seccomp.security.alpha.kubernetes.io/pod", seccomp);
    const bool pod_profile = static_cast<bool>(spec["securityContext"]["appArmorProfile"]);
    each_container(spec, "", [&](Ref container, const std::string&) {
        const std::string name(container["name"].str());
        if (!container["securityContext"]["seccompProfile"])
            old("container.seccomp.security.alpha.kubernetes.io/" + name, seccomp);
        if (!pod_profile && !container["securityContext"]["appArmorProfile"])
            old("container.apparmor.security.beta.kubernetes.io/" + name,
                "deprecated since v1.30; use the \"appArmorProfile\" field instead");
    });
}

}  // namespace

void warn_of_pod(Ref metadata, Ref spec, const std::string& prefix, Lines& out) {
    const auto path = prefix + "spec";
    placement(spec, path, out);
    annotations(metadata, spec, prefix, out);
    volumes(spec, path, out);
    token_paths(spec, path, out);
    repeated(spec["hostAliases"], "ip", path + ".hostAliases", "ip", out);
    repeated(spec["imagePullSecrets"], "name", path + ".imagePullSecrets", "name", out);
    std::size_t i = 0;
    for (const auto& secret : spec["imagePullSecrets"].items()) {
        if (Ref(secret)["name"].str().empty())
            out.push_back(fmt::format("{}.imagePullSecrets[{}].name: invalid empty name \"\"", path, i));
        ++i;
    }
    fractions(spec["overhead"], path + ".overhead", out);
    each_container(spec, path, [&](Ref container, const std::string& at) {
        fractions(container["resources"]["limits"], at + ".resources.limits", out);
        fractions(container["resources"]["requests"], at + ".resources.requests", out);
        environment(container, at, out);
    });
    ports(spec, path, out);
    if (spec["terminationGracePeriodSeconds"].num() < 0)
        out.push_back(path +
                      ".terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be "
                      "treated as 1");
}

}  // namespace kinds
