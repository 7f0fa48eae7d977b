// Validation of environment variables and of what they and files may show of the pod.
#include <algorithm>
#include <array>
#include <cctype>
#include <string>

#include "kinds/resources.h"
#include "kinds/validate_pod.h"

namespace kinds {

static constexpr std::array<std::string_view, 9> env_fields{
    "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
    "status.hostIP", "status.hostIPs",     "status.podIP", "status.podIPs"};
static constexpr std::array<std::string_view, 5> file_fields{"metadata.name", "metadata.namespace", "metadata.labels",
                                                             "metadata.annotations", "metadata.uid"};
/// Fields of a pod that have such a name at all.
static constexpr std::array<std::string_view, 15> known_fields{
    "metadata.annotations", "metadata.labels", "metadata.name",      "metadata.namespace",
    "metadata.uid",         "spec.nodeName",   "spec.restartPolicy", "spec.serviceAccountName",
    "spec.schedulerName",   "status.phase",    "status.hostIP",      "status.hostIPs",
    "status.podIP",         "status.podIPs",   "spec.host"};

/// "metadata.labels['key']" into path and key; no key when it has none.
struct Subscripted {
    std::string_view path;
    std::string_view key;
    bool has_key = false;
};
static Subscripted split(std::string_view text) {
    const auto open = text.find("['");
    if (open == std::string_view::npos || open == 0 || !text.ends_with("']")) return {text, {}, false};
    return {text.substr(0, open), text.substr(open + 2, text.size() - open - 4), true};
}

static void check_subscript(Checks& checks, const Path& at, const Subscripted& field) {
    std::string key(field.key);
    if (field.path == "metadata.annotations")
        std::ranges::transform(key, key.begin(), [](unsigned char c) { return std::tolower(c); });
    else if (field.path != "metadata.labels")
        return checks.invalid(at, shown(field.path), "does not support subscript");
    complain(checks, at, field.key, qualified_name(key));
}

void check_field_ref(Checks& checks, const Path& at, Ref selector, FieldUse use) {
    const auto path = selector["fieldPath"].str();
    if (selector["apiVersion"].str().empty()) return checks.required(at / "apiVersion");
    if (path.empty()) return checks.required(at / "fieldPath");
    const auto field = split(path);
    if (field.has_key) return check_subscript(checks, at, field);
    if (std::ranges::find(known_fields, path) == known_fields.end())
        return checks.invalid(at / "fieldPath", shown(path), "error converting fieldPath: field label not supported");
    const auto allowed = use == FieldUse::env ? std::span<const std::string_view>(env_fields)
                                              : std::span<const std::string_view>(file_fields);
    if (std::ranges::find(allowed, path) == allowed.end()) checks.unsupported(at / "fieldPath", shown(path), allowed);
}

static constexpr std::array<std::string_view, 6> resource_fields{
    "limits.cpu",   "limits.memory",   "limits.ephemeral-storage",
    "requests.cpu", "requests.memory", "requests.ephemeral-storage"};

static void check_divisor(Checks& checks, const Path& at, std::string_view resource, Ref divisor) {
    static constexpr std::array<std::string_view, 2> of_cpu{"1m", "1"};
    static constexpr std::array<std::string_view, 13> of_bytes{"1",   "1k",  "1M",  "1G",  "1T",  "1P", "1E",
                                                               "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"};
    const auto amount = amount_of(divisor);
    if (amount.is_zero()) return;
    const auto allowed = resource.ends_with(".cpu") ? std::span<const std::string_view>(of_cpu)
                                                    : std::span<const std::string_view>(of_bytes);
    const auto same = [&](std::string_view text) {
        return base::Quantity::parse(text).value_or(base::Quantity()) == amount;
    };
    if (std::ranges::none_of(allowed, same))
        checks.invalid(at, shown(divisor),
                       "only divisor's values 1m and 1 are supported with cpu, powers of units else");
}

void check_resource_ref(Checks& checks, const Path& at, Ref selector, FieldUse use) {
    const auto resource = selector["resource"].str();
    const bool huge = resource.starts_with("requests.hugepages-") || resource.starts_with("limits.hugepages-");
    if (use == FieldUse::file && selector["containerName"].str().empty())
        checks.required(at / "containerName");
    else if (resource.empty())
        checks.required(at / "resource");
    else if (!huge && std::ranges::find(resource_fields, resource) == resource_fields.end())
        checks.unsupported(at / "resource", shown(resource), resource_fields);
    check_divisor(checks, at / "divisor", resource, selector["divisor"]);
}

static void check_key_ref(Checks& checks, const Path& at, Ref selector) {
    complain(checks, at / "name", selector["name"].str(), dns_subdomain(selector["name"].str()));
    const auto key = selector["key"].str();
    if (key.empty())
        checks.required(at / "key");
    else
        complain(checks, at / "key", key, config_key(key));
}

static void check_value_from(Checks& checks, const Path& at, Ref variable) {
    const Ref from = variable["valueFrom"];
    if (!from) return;
    std::size_t sources = 0;
    if (from["fieldRef"]) {
        ++sources;
        check_field_ref(checks, at / "fieldRef", from["fieldRef"], FieldUse::env);
    }
    if (from["resourceFieldRef"]) {
        ++sources;
        check_resource_ref(checks, at / "resourceFieldRef", from["resourceFieldRef"], FieldUse::env);
    }
    for (const auto* field : {"configMapKeyRef", "secretKeyRef"})
        if (from[field]) {
            ++sources;
            check_key_ref(checks, at / field, from[field]);
        }
    if (from["fileKeyRef"]) ++sources;
    if (sources == 0)
        checks.invalid(
            at, shown(""),
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`");
    else if (!variable["value"].str().empty())
        checks.invalid(at, shown(""), "may not be specified when `value` is not empty");
    else if (sources > 1)
        checks.invalid(at, shown(""), "may not have more than one field specified at a time");
}

void check_env(Checks& checks, const Path& at, Ref env) {
    const auto& items = env.items();
    for (std::size_t i = 0; i < items.size(); ++i) {
        const auto name = Ref(items[i])["name"].str();
        if (name.empty())
            checks.required(at[i] / "name");
        else
            complain(checks, at[i] / "name", name, env_name(name));
        check_value_from(checks, at[i] / "valueFrom", items[i]);
    }
}

void check_env_from(Checks& checks, const Path& at, Ref sources) {
    const auto& items = sources.items();
    for (std::size_t i = 0; i < items.size(); ++i) {
        const Ref source(items[i]);
        if (const auto prefix = source["prefix"].str(); !prefix.empty())
            complain(checks, at[i] / "prefix", prefix, env_name(prefix));
        std::size_t given = 0;
        for (const auto* field : {"configMapRef", "secretRef"}) {
            if (!source[field]) continue;
            ++given;
            const auto name = source[field]["name"].str();
            if (name.empty())
                checks.required(at[i] / field / "name");
            else
                check_name_prefix(checks, at[i] / field / "name", NameRule::subdomain, name);
        }
        // Upstream names the list here, not the item.
        if (given == 0) checks.invalid(at, shown(""), "must specify one of: `configMapRef` or `secretRef`");
        if (given > 1) checks.invalid(at, shown(""), "may not have more than one field specified at a time");
    }
}

}  // namespace kinds
