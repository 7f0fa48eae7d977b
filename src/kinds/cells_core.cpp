// Rows of core kinds that make no pods: configuration, namespaces, nodes, events, quotas, volumes.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "kinds/cells.h"

namespace kinds {

namespace {

std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
    return out;
}

std::string node_status(Ref node) {
    std::string text = "Unknown";
    for (const auto& condition : node["status"]["conditions"].items())
        if (Ref(condition)["type"].str() == "Ready")
            text = Ref(condition)["status"].str() == "True" ? "Ready" : "NotReady";
    if (node["spec"]["unschedulable"].flag()) text += ",SchedulingDisabled";
    return text;
}

std::string node_roles(Ref node) {
    static constexpr std::string_view prefix = "node-role.kubernetes.io/";
    std::set<std::string> roles;
    for (const auto& label : node["metadata"]["labels"].members()) {
        const std::string_view key(label.key());
        const auto value = Ref(label.value()).str();
        if (key.starts_with(prefix) && key.size() > prefix.size()) roles.emplace(key.substr(prefix.size()));
        if (key == "kubernetes.io/role" && !value.empty()) roles.emplace(value);
    }
    return roles.empty() ? "<none>" : joined({roles.begin(), roles.end()});
}

std::string_view node_address(Ref node, std::string_view type) {
    for (const auto& address : node["status"]["addresses"].items())
        if (Ref(address)["type"].str() == type) return Ref(address)["address"].str();
    return "<none>";
}

std::string modes_text(Ref modes) {
    static constexpr std::pair<std::string_view, const char*> shorts[] = {
        {"ReadWriteOnce", "RWO"}, {"ReadOnlyMany", "ROX"}, {"ReadWriteMany", "RWX"}, {"ReadWriteOncePod", "RWOP"}};
    std::vector<std::string> texts;
    for (const auto& [mode, text] : shorts)
        for (const auto& item : modes.items())
            if (Ref(item).str() == mode && std::ranges::find(texts, text) == texts.end()) texts.emplace_back(text);
    return joined(texts);
}

std::string_view class_of(Ref object) {
    const Ref old = object["metadata"]["annotations"]["volume.beta.kubernetes.io/storage-class"];
    return old.missing() ? object["spec"]["storageClassName"].str() : old.str();
}

std::string_view phase_or_ending(Ref object) {
    return object["metadata"]["deletionTimestamp"] ? "Terminating" : object["status"]["phase"].str();
}

/// Where the two event versions keep the same things.
struct EventFields {
    std::string_view object, message, first, last, count, component, controller;
};

json::array event_row(Ref event, base::Time now, const EventFields& fields) {
    const Ref object = event[fields.object];
    const bool has_first = static_cast<bool>(event[fields.first]);
    const auto first = has_first ? age_of(event[fields.first], now) : age_of(event["eventTime"], now);
    auto last = event[fields.last] ? age_of(event[fields.last], now) : first;
    auto count = std::max<std::int64_t>(event[fields.count].num(), 1);
    if (const Ref series = event["series"]) {
        last = age_of(series["lastObservedTime"], now);
        count = series["count"].num();
    }
    auto target = lower(object["kind"].str());
    if (!object["name"].str().empty()) target += "/" + std::string(object["name"].str());
    const Ref source = event[fields.component];
    auto from = std::string(or_text(source["component"].str(), event[fields.controller].str()));
    const auto host = or_text(source["host"].str(), event["reportingInstance"].str());
    if (!host.empty()) from += ", " + std::string(host);
    auto message = std::string(event[fields.message].str());
    message.erase(0, message.find_first_not_of(" \t\r\n"));
    message.erase(message.find_last_not_of(" \t\r\n") + 1);
    return {last,  event["type"].str(), event["reason"].str(), target, object["fieldPath"].str(), from, message, first,
            count, name_of(event)};
}

}  // namespace

json::array component_status_cells(Ref object, base::Time) {
    std::string_view status = "Unknown";
    Ref healthy;
    for (const auto& condition : object["conditions"].items())
        if (Ref(condition)["type"].str() == "Healthy") healthy = condition;
    if (healthy) status = healthy["status"].str() == "True" ? "Healthy" : "Unhealthy";
    return {name_of(object), status, healthy["message"].str(), healthy["error"].str()};
}

json::array config_map_cells(Ref object, base::Time now) {
    return {name_of(object), object["data"].size() + object["binaryData"].size(), age(object, now)};
}

json::array secret_cells(Ref object, base::Time now) {
    return {name_of(object), object["type"].str(), object["data"].size(), age(object, now)};
}

json::array namespace_cells(Ref object, base::Time now) {
    return {name_of(object), object["status"]["phase"].str(), age(object, now)};
}

json::array node_cells(Ref object, base::Time now) {
    const Ref info = object["status"]["nodeInfo"];
    const auto known = [&](std::string_view key) { return or_text(info[key].str(), "<unknown>"); };
    return {name_of(object),
            node_status(object),
            node_roles(object),
            age(object, now),
            info["kubeletVersion"].str(),
            node_address(object, "InternalIP"),
            node_address(object, "ExternalIP"),
            known("osImage"),
            known("kernelVersion"),
            known("containerRuntimeVersion")};
}

json::array event_cells(Ref object, base::Time now) {
    return event_row(
        object, now,
        {"involvedObject", "message", "firstTimestamp", "lastTimestamp", "count", "source", "reportingComponent"});
}

json::array new_event_cells(Ref object, base::Time now) {
    return event_row(object, now,
                     {"regarding", "note", "deprecatedFirstTimestamp", "deprecatedLastTimestamp", "deprecatedCount",
                      "deprecatedSource", "reportingController"});
}

json::array quota_cells(Ref object, base::Time now) {
    std::vector<std::string> requests, limits;
    for (const auto& hard : object["status"]["hard"].members()) {
        const std::string name(hard.key());
        const auto text =
            fmt::format("{}: {}/{}", name, or_text(plain(object["status"]["used"][name]), "0"), plain(hard.value()));
        (name.starts_with("limits") ? limits : requests).push_back(text);
    }
    std::ranges::sort(requests);
    std::ranges::sort(limits);
    return {name_of(object), joined(requests, ", "), joined(limits, ", "), age(object, now)};
}

json::array claim_cells(Ref object, base::Time now) {
    const Ref spec = object["spec"];
    const Ref status = object["status"];
    const bool bound = !spec["volumeName"].str().empty();
    const auto capacity = plain(status["capacity"]["storage"]);
    return {name_of(object),
            phase_or_ending(object),
            spec["volumeName"].str(),
            bound ? or_text(capacity, "0") : "",
            bound ? modes_text(status["accessModes"]) : "",
            class_of(object),
            or_text(spec["volumeAttributesClassName"].str(), "<unset>"),
            age(object, now),
            or_text(spec["volumeMode"].str(), "<unset>")};
}

json::array volume_cells(Ref object, base::Time now) {
    const Ref spec = object["spec"];
    const Ref claim = spec["claimRef"];
    return {name_of(object),
            plain(spec["capacity"]["storage"]),
            modes_text(spec["accessModes"]),
            spec["persistentVolumeReclaimPolicy"].str(),
            phase_or_ending(object),
            claim ? fmt::format("{}/{}", claim["namespace"].str(), claim["name"].str()) : std::string(),
            class_of(object),
            or_text(spec["volumeAttributesClassName"].str(), "<unset>"),
            object["status"]["reason"].str(),
            age(object, now),
            or_text(spec["volumeMode"].str(), "<unset>")};
}

}  // namespace kinds
