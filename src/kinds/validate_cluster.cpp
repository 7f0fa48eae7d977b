// Validation of webhook configurations, aggregated APIs, signing requests and driver registrations.
#include <algorithm>
#include <array>
#include <set>
#include <string>

#include "kinds/validate.h"

namespace kinds {

static bool has(Ref list, std::string_view text) {
    const auto& items = list.items();
    return std::ranges::any_of(items, [&](const json::value& item) { return Ref(item).str() == text; });
}

/// A list that is either "*" alone or names.
static void check_names(Checks& checks, const Path& at, Ref names) {
    if (names.size() == 0) return checks.required(at);
    if (names.size() > 1 && has(names, "*"))
        checks.invalid(at, shown(names), "if '*' is present, must not specify others");
}

static void check_rule_resources(Checks& checks, const Path& at, Ref resources) {
    std::set<std::string> whole_resources, whole_subresources;
    bool plain = false;
    const auto& items = resources.items();
    if (items.empty()) return checks.required(at);
    for (std::size_t i = 0; i < items.size(); ++i) {
        const auto text = Ref(items[i]).str();
        if (text.empty()) checks.required(at[i]);
        const auto slash = text.find('/');
        if (slash == std::string_view::npos) {
            plain |= text != "*";
            continue;
        }
        const std::string resource(text.substr(0, slash));
        const std::string sub(text.substr(slash + 1));
        if (whole_resources.contains(resource) || whole_subresources.contains(sub))
            checks.invalid(at[i], shown(text), "is already covered by a wildcard");
        if (sub == "*") whole_resources.insert(resource);
        if (resource == "*") whole_subresources.insert(sub);
    }
    if (items.size() > 1 && has(resources, "*/*"))
        checks.invalid(at, shown(resources), "if '*/*' is present, must not specify other resources");
    if (has(resources, "*") && plain)
        checks.invalid(at, shown(resources),
                       "if '*' is present, must not specify other resources without subresources");
}

static void check_operation_rule(Checks& checks, const Path& at, Ref rule) {
    check_names(checks, at / "operations", rule["operations"]);
    const auto& operations = rule["operations"].items();
    for (std::size_t i = 0; i < operations.size(); ++i)
        checks.one_of((at / "operations")[i], operations[i], {"*", "CREATE", "UPDATE", "DELETE", "CONNECT"});
    check_names(checks, at / "apiGroups", rule["apiGroups"]);
    check_names(checks, at / "apiVersions", rule["apiVersions"]);
    check_rule_resources(checks, at / "resources", rule["resources"]);
    if (rule["scope"]) checks.one_of(at / "scope", rule["scope"], {"*", "Cluster", "Namespaced"});
}

static void check_client(Checks& checks, const Path& at, Ref client) {
    const Ref service = client["service"];
    const Ref url = client["url"];
    if (static_cast<bool>(service) == static_cast<bool>(url))
        return checks.required(at, "exactly one of url or service is required");
    if (url) {
        if (!url.str().starts_with("https://"))
            checks.invalid(at / "url", shown(url), "'https' is the only allowed URL scheme");
        return;
    }
    for (const auto* field : {"name", "namespace"})
        if (service[field].str().empty()) checks.required(at / "service" / field);
    if (const Ref port = service["port"]; port && !port_number(port.num()).empty())
        checks.invalid(at / "service" / "port", shown(port), port_number(port.num()).front());
    if (const auto path = service["path"].str(); !path.empty() && !path.starts_with('/'))
        checks.invalid(at / "service" / "path", shown(path), "must start with a '/'");
}

static void check_review_versions(Checks& checks, const Path& at, Ref versions) {
    if (versions.size() == 0) return checks.required(at, "must specify one of v1, v1beta1");
    if (!has(versions, "v1") && !has(versions, "v1beta1"))
        checks.invalid(at, shown(versions), "must include at least one of v1, v1beta1");
}

static void check_webhook(Checks& checks, const Path& at, Ref hook) {
    const auto name = hook["name"].str();
    if (name.empty())
        checks.required(at / "name");
    else if (!dns_subdomain(name).empty() || std::ranges::count(name, '.') < 2)
        checks.invalid(at / "name", shown(name), "should be a domain with at least three segments separated by dots");
    const auto& rules = hook["rules"].items();
    for (std::size_t i = 0; i < rules.size(); ++i) check_operation_rule(checks, (at / "rules")[i], rules[i]);
    if (hook["failurePolicy"]) checks.one_of(at / "failurePolicy", hook["failurePolicy"], {"Fail", "Ignore"});
    if (hook["matchPolicy"]) checks.one_of(at / "matchPolicy", hook["matchPolicy"], {"Equivalent", "Exact"});
    if (!hook["sideEffects"])
        checks.required(at / "sideEffects", "must specify one of None, NoneOnDryRun");
    else
        checks.one_of(at / "sideEffects", hook["sideEffects"], {"None", "NoneOnDryRun"});
    if (const Ref timeout = hook["timeoutSeconds"]; timeout && (timeout.num() < 1 || timeout.num() > 30))
        checks.invalid(at / "timeoutSeconds", shown(timeout), "the timeout value must be between 1 and 30 seconds");
    check_label_selector(checks, at / "namespaceSelector", hook["namespaceSelector"]);
    check_label_selector(checks, at / "objectSelector", hook["objectSelector"]);
    if (hook["reinvocationPolicy"])
        checks.one_of(at / "reinvocationPolicy", hook["reinvocationPolicy"], {"Never", "IfNeeded"});
    check_client(checks, at / "clientConfig", hook["clientConfig"]);
    check_review_versions(checks, at / "admissionReviewVersions", hook["admissionReviewVersions"]);
}

void validate_webhooks(Checks& checks, Ref object) {
    std::set<std::string> names;
    const auto& hooks = object["webhooks"].items();
    for (std::size_t i = 0; i < hooks.size(); ++i) {
        const auto at = Path("webhooks")[i];
        check_webhook(checks, at, hooks[i]);
        const auto name = Ref(hooks[i])["name"].str();
        if (!name.empty() && !names.emplace(name).second) checks.duplicate(at / "name", shown(name));
    }
}

void validate_api_service(Checks& checks, Ref object) {
    const Path at("spec");
    const Ref spec = object["spec"];
    const auto name = object["metadata"]["name"].str();
    const auto wanted = std::string(spec["version"].str()) + "." + std::string(spec["group"].str());
    if (name != wanted)
        checks.invalid("metadata.name", shown(name), "must be `spec.version+\".\"+spec.group`: " + wanted);
    if (const auto group = spec["group"].str(); !group.empty())
        complain(checks, at / "group", group, dns_subdomain(group));
    complain(checks, at / "version", spec["version"].str(), dns_label_1035(spec["version"].str()));
    const auto minimum = spec["groupPriorityMinimum"].num();
    if (minimum <= 0 || minimum > 20000)
        checks.invalid(at / "groupPriorityMinimum", shown(minimum), "must be positive and less than 20000");
    const auto priority = spec["versionPriority"].num();
    if (priority <= 0 || priority > 1000)
        checks.invalid(at / "versionPriority", shown(priority), "must be positive and less than 1000");
    const Ref service = spec["service"];
    if (!service) return;
    for (const auto* field : {"namespace", "name"})
        if (service[field].str().empty()) checks.required(at / "service" / field);
    if (spec["insecureSkipTLSVerify"].flag() && !spec["caBundle"].str().empty())
        checks.invalid(at / "insecureSkipTLSVerify", "true", "may not be true if caBundle is present");
}

static void check_usages(Checks& checks, const Path& at, Ref usages) {
    static constexpr std::array<std::string_view, 23> known{"signing",
                                                            "digital signature",
                                                            "content commitment",
                                                            "key encipherment",
                                                            "key agreement",
                                                            "data encipherment",
                                                            "cert sign",
                                                            "crl sign",
                                                            "encipher only",
                                                            "decipher only",
                                                            "any",
                                                            "server auth",
                                                            "client auth",
                                                            "code signing",
                                                            "email protection",
                                                            "s/mime",
                                                            "ipsec end system",
                                                            "ipsec tunnel",
                                                            "ipsec user",
                                                            "timestamping",
                                                            "ocsp signing",
                                                            "microsoft sgc",
                                                            "netscape sgc"};
    std::set<std::string> seen;
    const auto& items = usages.items();
    if (items.empty()) checks.required(at);
    for (std::size_t i = 0; i < items.size(); ++i) {
        const auto usage = Ref(items[i]).str();
        if (std::ranges::find(known, usage) == known.end()) checks.unsupported(at[i], shown(usage), known);
        if (!seen.emplace(usage).second) checks.duplicate(at[i], shown(usage));
    }
}

static void check_signer(Checks& checks, const Path& at, std::string_view signer) {
    if (signer.empty()) return checks.required(at);
    const auto slash = signer.find('/');
    const auto domain = signer.substr(0, slash);
    if (slash == std::string_view::npos || slash + 1 == signer.size() || !dns_subdomain(domain).empty() ||
        domain.find('.') == std::string_view::npos)
        checks.invalid(at, shown(signer),
                       "must be a fully qualified domain and path of the form \"example.com/signer-name\"");
    else if (signer == "kubernetes.io/legacy-unknown")
        checks.invalid(at, shown(signer), "the legacy signerName is not allowed via this API version");
}

void validate_signing_request(Checks& checks, Ref object) {
    constexpr std::int64_t shortest_s = 600;
    const Path at("spec");
    const Ref spec = object["spec"];
    // Base64 of "-----BEGIN CERTIFICATE REQUEST" and of its older name.
    const auto request = spec["request"].str();
    if (!request.starts_with("LS0tLS1CRUdJTi"))
        checks.invalid(at / "request", shown(request), "PEM block type must be CERTIFICATE REQUEST");
    check_usages(checks, at / "usages", spec["usages"]);
    check_signer(checks, at / "signerName", spec["signerName"].str());
    if (const Ref life = spec["expirationSeconds"]; life && life.num() < shortest_s)
        checks.invalid(at / "expirationSeconds", shown(life),
                       "may not specify a duration less than 600 seconds (10 minutes)");
}

void validate_csi_node(Checks& checks, Ref object) {
    std::set<std::string> names;
    const auto& drivers = object["spec"]["drivers"].items();
    for (std::size_t i = 0; i < drivers.size(); ++i) {
        const Ref driver(drivers[i]);
        const auto at = Path("spec.drivers")[i];
        const auto name = driver["name"].str();
        if (name.empty())
            checks.required(at / "name");
        else
            complain(checks, at / "name", name, dns_subdomain(name));
        if (driver["nodeID"].str().empty()) checks.required(at / "nodeID");
        if (const Ref count = driver["allocatable"]["count"])
            check_not_negative(checks, at / "allocatable" / "count", count.num());
        if (!names.emplace(name).second) checks.duplicate(at / "name", shown(name));
        for (const auto& key : driver["topologyKeys"].items())
            complain(checks, at, Ref(key).str(), qualified_name(Ref(key).str()));
    }
}

/// A driver may come and go, but stays as it registered itself.
void validate_csi_node_update(Checks& checks, const UpdateCheck& update) {
    for (const auto& old : update.live["spec"]["drivers"].items())
        for (const auto& now : update.updated["spec"]["drivers"].items())
            if (Ref(now)["name"].str() == Ref(old)["name"].str() && now != old)
                checks.invalid("spec.drivers", shown(Ref(now)), "field is immutable");
}

void validate_csi_driver_update(Checks& checks, const UpdateCheck& update) {
    const Ref now = update.updated["spec"];
    const Ref before = update.live["spec"];
    // Upstream's own path says "attachedRequired".
    check_immutable(checks, "spec.attachedRequired", now["attachRequired"], before["attachRequired"]);
    check_immutable(checks, "spec.volumeLifecycleModes", now["volumeLifecycleModes"], before["volumeLifecycleModes"]);
}

void validate_resource_slice_update(Checks& checks, const UpdateCheck& update) {
    for (const auto* fixed : {"driver", "nodeName", "nodeSelector", "allNodes"})
        check_immutable(checks, Path("spec") / fixed, update.updated["spec"][fixed], update.live["spec"][fixed]);
    check_immutable(checks, "spec.pool.name", update.updated["spec"]["pool"]["name"],
                    update.live["spec"]["pool"]["name"]);
}

}  // namespace kinds
