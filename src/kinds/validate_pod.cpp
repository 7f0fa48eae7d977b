// Validation of Pods: the spec in upstream's order, and what little of it may change.
#include "kinds/validate_pod.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <set>
#include <string>

#include "kinds/prepare.h"

namespace kinds {

static void check_gates(Checks& checks, const Path& at, Ref spec) {
    const auto& readiness = spec["readinessGates"].items();
    for (std::size_t i = 0; i < readiness.size(); ++i) {
        const auto type = Ref(readiness[i])["conditionType"].str();
        complain(checks, (at / "readinessGates")[i] / "conditionType", type, qualified_name(type));
    }
    std::set<std::string> names;
    const auto& scheduling = spec["schedulingGates"].items();
    for (std::size_t i = 0; i < scheduling.size(); ++i) {
        const auto name = Ref(scheduling[i])["name"].str();
        const auto place = (at / "schedulingGates")[i];
        complain(checks, place, name, qualified_name(name));
        if (!names.emplace(name).second) checks.duplicate(place, shown(name));
    }
}

static void check_label_if_given(Checks& checks, const Path& at, std::string_view text) {
    if (!text.empty()) complain(checks, at, text, dns_label(text));
}

static void check_subdomain_if_given(Checks& checks, const Path& at, std::string_view text) {
    if (!text.empty()) complain(checks, at, text, dns_subdomain(text));
}

static void check_deadline(Checks& checks, const Path& at, Ref deadline) {
    constexpr auto most = std::numeric_limits<std::int32_t>::max();
    if (deadline && (deadline.num() < 1 || deadline.num() > most))
        checks.invalid(at, shown(deadline), fmt::format("must be between 1 and {}, inclusive", most));
}

static void check_host_aliases(Checks& checks, const Path& at, Ref aliases) {
    const auto& items = aliases.items();
    for (std::size_t i = 0; i < items.size(); ++i) {
        const auto ip = Ref(items[i])["ip"].str();
        complain(checks, at[i] / "ip", ip, ip_address(ip));
        const auto& names = Ref(items[i])["hostnames"].items();
        for (std::size_t k = 0; k < names.size(); ++k)
            complain(checks, (at[i] / "hostnames")[k], Ref(names[k]).str(), dns_subdomain(Ref(names[k]).str()));
    }
}

/// Claims that containers may name, and that they say what they are.
static void check_resource_claims(Checks& checks, const Path& at, Ref claims) {
    std::set<std::string> names;
    const auto& items = claims.items();
    for (std::size_t i = 0; i < items.size(); ++i) {
        const Ref claim(items[i]);
        const auto name = claim["name"].str();
        if (!names.emplace(name).second) checks.duplicate(at[i], shown(name));
        if (name.empty())
            checks.required(at[i] / "name");
        else
            complain(checks, at[i] / "name", name, dns_label(name));
        const bool direct = !claim["resourceClaimName"].str().empty();
        const bool by_template = !claim["resourceClaimTemplateName"].str().empty();
        if (direct && by_template)
            checks.invalid(at[i], shown(claim),
                           "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified");
        if (!direct && !by_template)
            checks.invalid(at[i], shown(claim),
                           "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`");
    }
}

void check_pod_spec(Checks& checks, const Path& at, Ref spec, Ref) {
    check_volumes(checks, at / "volumes", spec);
    check_resource_claims(checks, at / "resourceClaims", spec["resourceClaims"]);
    check_containers(checks, at, spec);
    check_pod_resources(checks, at / "resources", spec);
    check_host_ports(checks, at / "containers", spec);
    checks.one_of(at / "restartPolicy", spec["restartPolicy"], {"Always", "OnFailure", "Never"});
    checks.one_of(at / "dnsPolicy", spec["dnsPolicy"], {"ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"});
    check_labels(checks, at / "nodeSelector", spec["nodeSelector"]);
    check_pod_security(checks, at / "securityContext", spec);
    check_affinity(checks, at / "affinity", spec["affinity"]);
    check_dns(checks, at, spec);
    check_gates(checks, at, spec);
    check_spread(checks, at / "topologySpreadConstraints", spec["topologySpreadConstraints"]);
    check_host_users(checks, at, spec);
    check_subdomain_if_given(checks, at / "serviceAccountName", spec["serviceAccountName"].str());
    check_subdomain_if_given(checks, at / "nodeName", spec["nodeName"].str());
    check_deadline(checks, at / "activeDeadlineSeconds", spec["activeDeadlineSeconds"]);
    check_label_if_given(checks, at / "hostname", spec["hostname"].str());
    check_label_if_given(checks, at / "subdomain", spec["subdomain"].str());
    check_tolerations(checks, at / "tolerations", spec["tolerations"]);
    check_host_aliases(checks, at / "hostAliases", spec["hostAliases"]);
    check_subdomain_if_given(checks, at / "priorityClassName", spec["priorityClassName"].str());
    check_subdomain_if_given(checks, at / "runtimeClassName", spec["runtimeClassName"].str());
    if (spec["preemptionPolicy"])
        checks.one_of(at / "preemptionPolicy", spec["preemptionPolicy"], {"PreemptLowerPriority", "Never"});
    for (const auto& overhead : spec["overhead"].members()) {
        const auto place = (at / "overhead").key(overhead.key());
        check_resource_name(checks, place, overhead.key());
        check_quantity(checks, place, overhead.key(), overhead.value());
    }
    check_os(checks, at, spec);
}

static bool blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

static void check_trimmed(Checks& checks, const Path& at, std::string_view image) {
    if (!image.empty() && (blank(image.front()) || blank(image.back())))
        checks.invalid(at, shown(image), "must not have leading or trailing whitespace");
}

void check_image(Checks& checks, const Path& at, std::string_view image) {
    if (image.empty()) checks.required(at);
    check_trimmed(checks, at, image);
}

static void check_images_trimmed(Checks& checks, Ref spec) {
    for (const auto* containers : {"containers", "initContainers"}) {
        const auto& items = spec[containers].items();
        for (std::size_t i = 0; i < items.size(); ++i)
            check_trimmed(checks, (Path("spec") / containers)[i] / "image", Ref(items[i])["image"].str());
    }
}

static bool is_int32(std::string_view text) {
    std::int32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool plain = text == "0" || (text.starts_with('-') ? text.substr(1) : text).find_first_of("123456789") == 0;
    return plain && error == std::errc() && end == text.data() + text.size();
}

/// Annotations that mean something to the server itself.
static void check_annotations_meant(Checks& checks, Ref pod) {
    const Path at("metadata.annotations");
    const Ref annotations = pod["metadata"]["annotations"];
    constexpr auto mirror = "kubernetes.io/config.mirror";
    constexpr auto cost = "controller.kubernetes.io/pod-deletion-cost";
    if (!annotations[mirror].missing() && pod["spec"]["nodeName"].str().empty())
        checks.invalid(at.key(mirror), shown(annotations[mirror]),
                       "must set spec.nodeName if mirror pod annotation is set");
    if (!annotations[cost].missing() && !is_int32(annotations[cost].str()))
        checks.invalid(at.key(cost), shown(annotations[cost]), "must be a 32bit integer");
}

void check_pod(Checks& checks, Ref pod) {
    const Ref spec = pod["spec"];
    check_annotations_meant(checks, pod);
    check_pod_spec(checks, "spec", spec, pod["metadata"]);
    check_images_trimmed(checks, spec);
}

void validate_pod_create(Checks& checks, Ref pod) {
    check_pod(checks, pod);
    const Ref spec = pod["spec"];
    if (spec["ephemeralContainers"].size() > 0) checks.forbidden("spec.ephemeralContainers", "cannot be set on create");
    if (spec["schedulingGates"].size() > 0 && !spec["nodeName"].str().empty())
        checks.forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared");
}

}  // namespace kinds
