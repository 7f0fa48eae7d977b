// Admission of Pods: what every cluster adds to them.
#include "kinds/admission.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>

#include "kinds/rule.h"

namespace kinds {

static constexpr int patience_s = 300;
static constexpr int token_life_s = 3607;
static constexpr int file_mode = 0644;
static constexpr std::string_view token_path = "/var/run/secrets/kubernetes.io/serviceaccount";
static constexpr std::string_view volume_prefix = "kube-api-access-";

static std::optional<std::int64_t> system_priority(std::string_view name) {
    if (name == "system-cluster-critical") return 2'000'000'000;
    if (name == "system-node-critical") return 2'000'001'000;
    return {};
}

/// Whether some toleration already answers a NoExecute taint of that key.
static bool tolerates(Ref spec, std::string_view key) {
    for (const auto& item : spec["tolerations"].items()) {
        const Ref toleration(item);
        const auto its_key = toleration["key"].str();
        const auto effect = toleration["effect"].str();
        if ((its_key == key || its_key.empty()) && (effect == "NoExecute" || effect.empty())) return true;
    }
    return false;
}

void admit_pod(json::object& pod) {
    auto& spec = child(pod, "spec");
    const auto of_class = system_priority(Ref(spec)["priorityClassName"].str());
    fill(spec, "priority", of_class.value_or(0));
    fill(spec, "preemptionPolicy", "PreemptLowerPriority");
    for (const std::string_view key : {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}) {
        if (tolerates(spec, key)) continue;
        list(spec, "tolerations")
            .push_back(json::object{
                {"key", key}, {"operator", "Exists"}, {"effect", "NoExecute"}, {"tolerationSeconds", patience_s}});
    }
}

static json::object token_volume(std::string_view name) {
    const json::object token{{"expirationSeconds", token_life_s}, {"path", "token"}};
    const json::object ca{{"key", "ca.crt"}, {"path", "ca.crt"}};
    const json::object config{{"name", "kube-root-ca.crt"}, {"items", json::array{ca}}};
    const json::object field{{"apiVersion", "v1"}, {"fieldPath", "metadata.namespace"}};
    const json::object own_namespace{{"path", "namespace"}, {"fieldRef", field}};
    const json::object downward{{"items", json::array{own_namespace}}};
    const json::array sources{json::object{{"serviceAccountToken", token}}, json::object{{"configMap", config}},
                              json::object{{"downwardAPI", downward}}};
    return {{"name", name}, {"projected", {{"sources", sources}, {"defaultMode", file_mode}}}};
}

/// Mounts the volume where nothing else is mounted at that path; whether it was needed anywhere.
static bool mount_token(json::object& spec, std::string_view containers, std::string_view volume) {
    auto* items = find_list(spec, containers);
    if (!items) return false;
    bool needed = false;
    for (auto& item : *items) {
        auto* container = item.if_object();
        if (!container) continue;
        const auto& mounts = Ref(*container)["volumeMounts"].items();
        const auto at_path = [](const json::value& mount) { return Ref(mount)["mountPath"].str() == token_path; };
        if (std::ranges::any_of(mounts, at_path)) continue;
        list(*container, "volumeMounts")
            .push_back(json::object{{"name", volume}, {"readOnly", true}, {"mountPath", token_path}});
        needed = true;
    }
    return needed;
}

static std::string existing_token_volume(Ref spec) {
    for (const auto& volume : spec["volumes"].items())
        if (const auto name = Ref(volume)["name"].str(); name.starts_with(volume_prefix)) return std::string(name);
    return "";
}

void add_service_account(json::object& pod, std::string_view account_name, const json::object& account,
                         std::string_view volume_suffix) {
    auto& spec = child(pod, "spec");
    spec["serviceAccountName"] = account_name;
    spec["serviceAccount"] = account_name;
    if (const Ref secrets = Ref(account)["imagePullSecrets"]; secrets.size() > 0)
        fill_zero(spec, "imagePullSecrets", secrets.items());
    const Ref own_wish = Ref(spec)["automountServiceAccountToken"];
    if (!own_wish.flag(Ref(account)["automountServiceAccountToken"].flag(true))) return;
    const auto existing = existing_token_volume(spec);
    const auto name = existing.empty() ? fmt::format("{}{}", volume_prefix, volume_suffix) : existing;
    const bool in_init = mount_token(spec, "initContainers", name);
    const bool in_containers = mount_token(spec, "containers", name);
    if (existing.empty() && (in_init || in_containers)) list(spec, "volumes").push_back(token_volume(name));
}

}  // namespace kinds
