// Defaults of networking, access, storage, admission and extension kinds.
#include <algorithm>
#include <cctype>
#include <string>

#include "kinds/defaults.h"

namespace kinds {

static constexpr std::string_view rbac_group = "rbac.authorization.k8s.io";

template <class Act>
static void each_object(json::object& parent, std::string_view key, Act act) {
    if (auto* items = find_list(parent, key))
        for (auto& item : *items)
            if (auto* object = item.if_object()) act(*object);
}

void default_ingress_class(json::object& ingress_class) {
    if (auto* parameters = find_object(child(ingress_class, "spec"), "parameters"))
        fill(*parameters, "scope", "Cluster");
}

void default_network_policy(json::object& policy) {
    auto& spec = child(policy, "spec");
    child(spec, "podSelector");
    const auto default_ports = [](json::object& rule) {
        each_object(rule, "ports", [](json::object& port) { fill(port, "protocol", "TCP"); });
    };
    each_object(spec, "ingress", default_ports);
    each_object(spec, "egress", default_ports);
    if (!zero(spec, "policyTypes")) return;
    json::array types{"Ingress"};
    if (!zero(spec, "egress")) types.emplace_back("Egress");
    spec["policyTypes"] = std::move(types);
}

void default_role_binding(json::object& binding) {
    fill_zero(child(binding, "roleRef"), "apiGroup", rbac_group);
    each_object(binding, "subjects", [](json::object& subject) {
        const auto kind = Ref(subject)["kind"].str();
        if (kind == "User" || kind == "Group") fill_zero(subject, "apiGroup", rbac_group);
    });
}

void default_storage_class(json::object& storage_class) {
    fill(storage_class, "reclaimPolicy", "Delete");
    fill(storage_class, "volumeBindingMode", "Immediate");
}

void default_csi_driver(json::object& driver) {
    auto& spec = child(driver, "spec");
    fill(spec, "attachRequired", true);
    fill(spec, "podInfoOnMount", false);
    fill(spec, "storageCapacity", false);
    fill(spec, "fsGroupPolicy", "ReadWriteOnceWithFSType");
    if (zero(spec, "volumeLifecycleModes")) spec["volumeLifecycleModes"] = json::array{"Persistent"};
    fill(spec, "requiresRepublish", false);
    fill(spec, "seLinuxMount", false);
}

void default_priority_class(json::object& priority_class) {
    fill(priority_class, "preemptionPolicy", "PreemptLowerPriority");
}

static void default_client(json::object& client) {
    if (auto* service = find_object(client, "service")) fill(*service, "port", 443);
}

static void default_webhook(json::object& webhook) {
    fill(webhook, "failurePolicy", "Fail");
    fill(webhook, "matchPolicy", "Equivalent");
    fill(webhook, "namespaceSelector", json::object());
    fill(webhook, "objectSelector", json::object());
    fill(webhook, "timeoutSeconds", 10);
    default_client(child(webhook, "clientConfig"));
    each_object(webhook, "rules", [](json::object& rule) { fill(rule, "scope", "*"); });
}

void default_validating_webhooks(json::object& configuration) {
    each_object(configuration, "webhooks", default_webhook);
}

void default_mutating_webhooks(json::object& configuration) {
    each_object(configuration, "webhooks", [](json::object& webhook) {
        default_webhook(webhook);
        fill(webhook, "reinvocationPolicy", "Never");
    });
}

static void default_match(json::object& owner, std::string_view key) {
    auto* match = find_object(owner, key);
    if (!match) return;
    fill(*match, "matchPolicy", "Equivalent");
    fill(*match, "namespaceSelector", json::object());
    fill(*match, "objectSelector", json::object());
    const auto default_scope = [](json::object& rule) { fill(rule, "scope", "*"); };
    each_object(*match, "resourceRules", default_scope);
    each_object(*match, "excludeResourceRules", default_scope);
}

static void default_parameters(json::object& spec, std::string_view key) {
    if (auto* parameters = find_object(spec, key))
        if (key == "paramRef") fill(*parameters, "parameterNotFoundAction", "Deny");
}

void default_validating_policy(json::object& policy) {
    auto& spec = child(policy, "spec");
    fill(spec, "failurePolicy", "Fail");
    default_match(spec, "matchConstraints");
}

void default_mutating_policy(json::object& policy) { default_validating_policy(policy); }

void default_policy_binding(json::object& binding) {
    auto& spec = child(binding, "spec");
    default_match(spec, "matchResources");
    default_parameters(spec, "paramRef");
}

void default_custom_resource_definition(json::object& definition) {
    auto& spec = child(definition, "spec");
    auto& names = child(spec, "names");
    const std::string kind{Ref(names)["kind"].str()};
    if (!kind.empty()) {
        std::string lower = kind;
        std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
        fill_zero(names, "singular", lower);
        fill_zero(names, "listKind", kind + "List");
    }
    auto& conversion = child(spec, "conversion");
    fill_zero(conversion, "strategy", "None");
    if (auto* webhook = find_object(conversion, "webhook"))
        if (auto* client = find_object(*webhook, "clientConfig")) default_client(*client);
}

void default_api_service(json::object& service) {
    if (auto* backend = find_object(child(service, "spec"), "service")) fill(*backend, "port", 443);
}

void default_flow_schema(json::object& schema) { fill_zero(child(schema, "spec"), "matchingPrecedence", 1000); }

void default_priority_level(json::object& level) {
    auto& spec = child(level, "spec");
    if (auto* exempt = find_object(spec, "exempt")) {
        fill(*exempt, "nominalConcurrencyShares", 0);
        fill(*exempt, "lendablePercent", 0);
    } else if (Ref(spec)["type"].str() == "Exempt") {
        spec["exempt"] = json::object{{"nominalConcurrencyShares", 0}, {"lendablePercent", 0}};
    }
    auto* limited = find_object(spec, "limited");
    if (!limited) return;
    fill(*limited, "nominalConcurrencyShares", 30);
    fill(*limited, "lendablePercent", 0);
    auto* queuing = find_object(child(*limited, "limitResponse"), "queuing");
    if (!queuing) return;
    fill_zero(*queuing, "handSize", 8);
    fill_zero(*queuing, "queues", 64);
    fill_zero(*queuing, "queueLengthLimit", 50);
}

static constexpr int token_life_s = 3600;

void default_token_request(json::object& request) { fill(child(request, "spec"), "expirationSeconds", token_life_s); }

static void default_exact_request(json::object& request) {
    if (zero(request, "deviceClassName")) return;
    fill_zero(request, "allocationMode", "ExactCount");
    if (Ref(request)["allocationMode"].str() == "ExactCount") fill_zero(request, "count", 1);
}

static void default_device_claim(json::object& spec) {
    const auto tolerate = [](json::object& request) {
        each_object(request, "tolerations",
                    [](json::object& toleration) { fill_zero(toleration, "operator", "Equal"); });
    };
    each_object(child(spec, "devices"), "requests", [&](json::object& request) {
        if (auto* exactly = find_object(request, "exactly")) {
            default_exact_request(*exactly);
            tolerate(*exactly);
        }
        each_object(request, "firstAvailable", [&](json::object& alternative) {
            default_exact_request(alternative);
            tolerate(alternative);
        });
    });
}

void default_resource_claim(json::object& claim) { default_device_claim(child(claim, "spec")); }

void default_resource_claim_template(json::object& claim) {
    auto& spec = child(claim, "spec");
    child(spec, "metadata");
    default_device_claim(child(spec, "spec"));
}

void default_device_class(json::object& device_class) { child(device_class, "spec"); }

void default_resource_slice(json::object& slice) { child(slice, "spec"); }

}  // namespace kinds
