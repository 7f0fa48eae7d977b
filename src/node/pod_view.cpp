// Reads roles and restart policies out of a pod's spec.
#include "node/pod_view.h"

#include <algorithm>

namespace node {
namespace {

Restart restart_of(std::string_view policy, Restart otherwise) {
    if (policy == "Always") return Restart::always;
    if (policy == "OnFailure") return Restart::on_failure;
    if (policy == "Never") return Restart::never;
    return otherwise;
}

bool rule_matches(Ref rule, int exit_code) {
    const auto codes = rule["exitCodes"];
    const auto& values = codes["values"].items();
    const bool listed = std::ranges::any_of(values, [&](const json::value& v) { return Ref(v).num() == exit_code; });
    return codes["operator"].str() == "NotIn" ? !listed : listed;
}

}  // namespace

bool ContainerView::restarts_after(int exit_code) const {
    if (role == Role::ephemeral) return false;
    if (role == Role::sidecar) return true;
    for (const Ref rule : spec["restartPolicyRules"].items())
        if (rule_matches(rule, exit_code)) return rule["action"].str() == "Restart";
    switch (restart) {
        case Restart::always:
            return role == Role::main || own_policy || exit_code != 0;
        case Restart::on_failure:
            return exit_code != 0;
        case Restart::never:
            return false;
    }
    return false;
}

std::string ContainerView::field_path() const {
    const auto list = role == Role::main        ? "containers"
                      : role == Role::ephemeral ? "ephemeralContainers"
                                                : "initContainers";
    return std::string("spec.") + list + "{" + name + "}";
}

PodView::PodView(ObjectPtr pod) : object(std::move(pod)) {
    uid = object->uid();
    ns = object->ns();
    name = object->name();
    generation = object->meta()["generation"].num();
    spec = (*object)["spec"];
    restart = restart_of(spec["restartPolicy"].str(), Restart::always);
    host_network = spec["hostNetwork"].flag();
    grace_s = spec["terminationGracePeriodSeconds"].num(30);
    const auto add = [&](const json::value& value, Role role) {
        ContainerView c;
        c.spec = Ref(value);
        c.name = c.spec["name"].str();
        const auto own = c.spec["restartPolicy"].str();
        c.role = role == Role::init && own == "Always" ? Role::sidecar : role;
        c.own_policy = !own.empty();
        c.restart = restart_of(own, restart);
        containers.push_back(std::move(c));
    };
    for (const auto& c : spec["initContainers"].items()) add(c, Role::init);
    for (const auto& c : spec["containers"].items()) add(c, Role::main);
    for (const auto& c : spec["ephemeralContainers"].items()) add(c, Role::ephemeral);
}

const ContainerView* PodView::find(std::string_view container) const {
    const auto found = std::ranges::find(containers, container, &ContainerView::name);
    return found == containers.end() ? nullptr : &*found;
}

std::string PodView::hostname() const {
    constexpr std::size_t length_max = 63;
    if (const auto given = spec["hostnameOverride"].str(); !given.empty()) return std::string(given);
    std::string host(spec["hostname"].str(name));
    if (host.size() > length_max) {
        host.resize(length_max);
        host.erase(host.find_last_not_of("-.") + 1);
    }
    return host;
}

std::string PodView::domain(std::string_view cluster_domain) const {
    const auto sub = spec["subdomain"].str();
    if (sub.empty() || spec["hostnameOverride"]) return "";
    return std::string(sub) + "." + ns + ".svc." + std::string(cluster_domain);
}

}  // namespace node
