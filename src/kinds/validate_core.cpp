// Validation of core kinds that are neither Pods nor Services, of events, leases and endpoints.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string>

#include "kinds/validate.h"

namespace kinds {

static constexpr std::size_t data_bytes_max = 1 << 20;
static constexpr std::string_view immutable_why = "field is immutable when `immutable` is set";

static std::size_t decoded_size(std::string_view base64) {
    const auto padding = base64.size() - std::min(base64.find('='), base64.size());
    return base64.size() / 4 * 3 - padding;
}

void validate_config_map(Checks& checks, Ref object) {
    std::size_t bytes = 0;
    for (const auto& entry : object["data"].members()) {
        complain(checks, Path("data").key(entry.key()), entry.key(), config_key(entry.key()));
        if (!object["binaryData"][entry.key()].missing())
            checks.invalid(Path("data").key(entry.key()), shown(std::string_view(entry.key())),
                           "duplicate of key present in binaryData");
        bytes += Ref(entry.value()).str().size();
    }
    for (const auto& entry : object["binaryData"].members()) {
        complain(checks, Path("binaryData").key(entry.key()), entry.key(), config_key(entry.key()));
        bytes += decoded_size(Ref(entry.value()).str());
    }
    // Upstream names the whole object with an empty path, which it prints like this.
    if (bytes > data_bytes_max) checks.too_long("[]", data_bytes_max);
}

/// Once an object says that it is immutable, neither its data nor that saying may change.
static void check_frozen(Checks& checks, const UpdateCheck& update, std::initializer_list<const char*> fields) {
    if (!update.live["immutable"].flag()) return;
    if (!update.updated["immutable"].flag()) checks.forbidden("immutable", immutable_why);
    for (const auto* field : fields)
        if (update.updated[field].members() != update.live[field].members()) checks.forbidden(field, immutable_why);
}

void validate_config_map_update(Checks& checks, const UpdateCheck& update) {
    check_frozen(checks, update, {"data", "binaryData"});
}

/// The text that base64 stands for; nothing when it is none.
static std::string decode_base64(std::string_view text) {
    static constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    std::uint32_t bits = 0;
    int held = 0;
    for (const char c : text) {
        const auto digit = digits.find(c);
        if (digit == std::string_view::npos) break;
        bits = bits << 6 | static_cast<std::uint32_t>(digit);
        if ((held += 6) >= 8) out += static_cast<char>(bits >> (held -= 8) & 0xff);
    }
    return out;
}

static void require_json(Checks& checks, Ref data, std::string_view key) {
    const auto at = Path("data").key(key);
    if (data[key].missing()) return checks.required(at);
    boost::system::error_code error;
    const auto parsed = json::parse(decode_base64(data[key].str()), error);
    if (error || !parsed.is_object()) checks.invalid(at, shown("<secret contents redacted>"), "must be a JSON object");
}

static void check_secret_type(Checks& checks, Ref secret) {
    const auto type = secret["type"].str();
    const Ref data = secret["data"];
    const auto require = [&](std::string_view key) { checks.required(Path("data").key(key)); };
    if (type == "kubernetes.io/service-account-token") {
        static constexpr std::string_view name = "kubernetes.io/service-account.name";
        if (secret["metadata"]["annotations"][name].str().empty())
            checks.required(Path("metadata.annotations").key(name));
    } else if (type == "kubernetes.io/dockercfg") {
        require_json(checks, data, ".dockercfg");
    } else if (type == "kubernetes.io/dockerconfigjson") {
        require_json(checks, data, ".dockerconfigjson");
    } else if (type == "kubernetes.io/basic-auth") {
        if (!data["username"].missing() || !data["password"].missing()) return;
        require("username");
        require("password");
    } else if (type == "kubernetes.io/ssh-auth") {
        if (data["ssh-privatekey"].str().empty()) require("ssh-privatekey");
    } else if (type == "kubernetes.io/tls") {
        for (const auto* key : {"tls.crt", "tls.key"})
            if (data[key].missing()) require(key);
    }
}

void validate_secret(Checks& checks, Ref object) {
    std::size_t bytes = 0;
    for (const auto& entry : object["data"].members()) {
        complain(checks, Path("data").key(entry.key()), entry.key(), config_key(entry.key()));
        bytes += decoded_size(Ref(entry.value()).str());
    }
    if (bytes > data_bytes_max) checks.too_long("data", data_bytes_max);
    check_secret_type(checks, object);
}

void validate_secret_update(Checks& checks, const UpdateCheck& update) {
    check_immutable(checks, "type", update.updated["type"], update.live["type"]);
    check_frozen(checks, update, {"data"});
}

void validate_namespace(Checks& checks, Ref object) {
    const auto& finalizers = object["spec"]["finalizers"].items();
    for (const auto& item : finalizers) {
        const auto name = Ref(item).str();
        complain(checks, "spec.finalizers", name, qualified_name(name));
        if (name.find('/') == std::string_view::npos && name != "kubernetes" && name != "orphan" &&
            name != "foregroundDeletion")
            checks.invalid("spec.finalizers", shown(name),
                           "name is neither a standard finalizer name nor is it fully qualified");
    }
}

void validate_namespace_status(Checks& checks, const UpdateCheck& update) {
    const auto phase = update.updated["status"]["phase"].str();
    const bool ending = static_cast<bool>(update.updated["metadata"]["deletionTimestamp"]);
    if (!ending && phase != "Active")
        checks.invalid("status.Phase", shown(phase), "may only be 'Active' if `deletionTimestamp` is empty");
    if (ending && phase != "Terminating")
        checks.invalid("status.Phase", shown(phase), "may only be 'Terminating' if `deletionTimestamp` is not empty");
}

static void check_taints(Checks& checks, const Path& at, Ref taints) {
    std::set<std::string> seen;
    const auto& items = taints.items();
    for (std::size_t i = 0; i < items.size(); ++i) {
        const Ref taint(items[i]);
        const auto effect = taint["effect"].str();
        complain(checks, at[i] / "key", taint["key"].str(), qualified_name(taint["key"].str()));
        if (const auto wrong = label_value(taint["value"].str()); !wrong.empty())
            checks.invalid(at[i] / "value", shown(taint["value"].str()), wrong.front());
        if (effect.empty())
            checks.required(at[i] / "effect");
        else
            checks.one_of(at[i] / "effect", taint["effect"], {"NoSchedule", "PreferNoSchedule", "NoExecute"});
        if (!seen.insert(fmt::format("{}:{}", taint["key"].str(), effect)).second)
            checks.duplicate(at[i], shown(taint));
    }
}

static void check_node_resources(Checks& checks, Ref status) {
    for (const auto* list : {"capacity", "allocatable"})
        for (const auto& entry : status[list].members())
            check_quantity(checks, Path("status") / list / entry.key(), entry.key(), entry.value());
}

static void check_node_addresses(Checks& checks, const UpdateCheck& update) {
    const auto& items = update.updated["status"]["addresses"].items();
    for (auto item = items.begin(); item != items.end(); ++item)
        if (std::find(items.begin(), item, *item) != item)
            checks.duplicate(Path("status.addresses")[static_cast<std::size_t>(item - items.begin())], shown(*item));
}

void validate_node(Checks& checks, Ref object) {
    const Ref spec = object["spec"];
    check_taints(checks, "metadata.taints", spec["taints"]);  // upstream's place
    check_node_resources(checks, object["status"]);
    const Path at("spec.podCIDRs");
    const auto& ranges = spec["podCIDRs"].items();
    std::size_t of_six = 0;
    for (std::size_t i = 0; i < ranges.size(); ++i) {
        complain(checks, at[i], Ref(ranges[i]).str(), cidr(Ref(ranges[i]).str()));
        of_six += Ref(ranges[i]).str().contains(':');
    }
    if (ranges.size() < 2) return;
    if (ranges.size() > 2 || of_six != 1)
        checks.invalid(at, shown(spec["podCIDRs"]), "may specify no more than one CIDR for each IP family");
    for (std::size_t i = 0; i < ranges.size(); ++i)
        if (std::find(ranges.begin(), ranges.begin() + static_cast<std::ptrdiff_t>(i), ranges[i]) !=
            ranges.begin() + static_cast<std::ptrdiff_t>(i))
            checks.duplicate(at[i], shown(ranges[i]));
}

void validate_node_update(Checks& checks, const UpdateCheck& update) {
    const Ref now = update.updated["spec"];
    const Ref before = update.live["spec"];
    check_node_resources(checks, update.updated["status"]);
    check_node_addresses(checks, update);
    constexpr auto why = "node updates may not change it except from \"\" to valid";
    const auto& ranges = before["podCIDRs"].items();
    if (!ranges.empty() && ranges != now["podCIDRs"].items()) checks.forbidden("spec.podCIDRs", why);
    if (!before["providerID"].str().empty() && now["providerID"].str() != before["providerID"].str())
        checks.forbidden("spec.providerID", why);
    check_taints(checks, "metadata.taints", now["taints"]);
}

void validate_node_status(Checks& checks, const UpdateCheck& update) {
    check_node_resources(checks, update.updated["status"]);
    check_node_addresses(checks, update);
}

static constexpr std::size_t event_text_max = 128;
static constexpr std::size_t event_note_max = 1024;

static void check_event_text(Checks& checks, const Path& at, std::string_view text) {
    if (text.empty()) return checks.required(at);
    if (text.size() > event_text_max) checks.invalid(at, shown(""), "can have at most 128 characters");
}

/// What an event is about, in the words of one of its two faces.
struct EventFace {
    std::string_view about, note, controller;
};
static constexpr EventFace core_event{"involvedObject", "message", "reportingComponent"};
static constexpr EventFace new_event{"regarding", "note", "reportingController"};

/// What every event must say; upstream names the fields of the core kind whichever face is used.
static void check_event(Checks& checks, Ref event, const EventFace& face) {
    const auto own = event["metadata"]["namespace"].str();
    const auto other = event[face.about]["namespace"].str();
    const auto misplaced = [&] {
        checks.invalid("involvedObject.namespace", shown(other), "does not match event.namespace");
    };
    if (!event["eventTime"]) {
        if (other.empty() ? !own.empty() && own != "default" : own != other) misplaced();
        return;
    }
    if (other.empty() && own != "default" && own != "kube-system") misplaced();
    const auto name = event[face.controller].str();
    if (name.empty()) checks.required("reportingController");
    complain(checks, "reportingController", name, qualified_name(name));
    for (const auto* field : {"reportingInstance", "action", "reason"})
        check_event_text(checks, field, event[field].str());
    if (event[face.note].str().size() > event_note_max)
        checks.invalid("message", shown(""), "can have at most 1024 characters");
}

void validate_event(Checks& checks, Ref object) { check_event(checks, object, core_event); }

static void check_series(Checks& checks, Ref series) {
    if (!series) return;
    if (series["count"].num() < 2) checks.invalid("series.count", shown(""), "should be at least 2");
    if (!series["lastObservedTime"]) checks.required("series.lastObservedTime");
}

/// A field of the newer face and the name under which upstream speaks of it.
struct EventField {
    std::string_view name, core;
};

void validate_new_event(Checks& checks, Ref object) {
    check_event(checks, object, new_event);
    check_series(checks, object["series"]);
    if (!object["eventTime"]) checks.required("eventTime");
    if (const auto type = object["type"].str(); type != "Normal" && type != "Warning")
        checks.invalid("type", shown(type), "has invalid value: must be Normal or Warning");
    constexpr auto why = "needs to be unset";
    if (object["deprecatedFirstTimestamp"]) checks.invalid("firstTimestamp", shown(""), why);
    if (object["deprecatedLastTimestamp"]) checks.invalid("lastTimestamp", shown(""), why);
    if (object["deprecatedCount"].num() != 0) checks.invalid("count", shown(""), why);
    const Ref source = object["deprecatedSource"];
    if (!source["component"].str().empty() || !source["host"].str().empty()) checks.invalid("source", shown(""), why);
}

/// Only the series of an event goes on.
void validate_new_event_update(Checks& checks, const UpdateCheck& update) {
    static constexpr EventField kept[] = {{"regarding", "involvedObject"},
                                          {"reason", "reason"},
                                          {"note", "message"},
                                          {"deprecatedSource", "source"},
                                          {"deprecatedFirstTimestamp", "firstTimestamp"},
                                          {"deprecatedLastTimestamp", "lastTimestamp"},
                                          {"deprecatedCount", "count"},
                                          {"reason", "reason"},
                                          {"type", "type"},
                                          {"eventTime", "eventTime"},
                                          {"action", "action"},
                                          {"related", "related"},
                                          {"reportingController", "reportingController"},
                                          {"reportingInstance", "reportingInstance"}};
    check_event(checks, update.updated, new_event);
    if (!equal(update.updated["series"], update.live["series"])) check_series(checks, update.updated["series"]);
    for (const auto& [name, core] : kept) check_immutable(checks, core, update.updated[name], update.live[name]);
}

void validate_lease(Checks& checks, Ref object) {
    const Ref spec = object["spec"];
    if (const Ref duration = spec["leaseDurationSeconds"]; duration && duration.num() <= 0)
        checks.invalid("spec.leaseDurationSeconds", shown(duration), "must be greater than 0");
    if (const Ref transitions = spec["leaseTransitions"])
        check_not_negative(checks, "spec.leaseTransitions", transitions.num());
}

void validate_controller_revision(Checks& checks, Ref object) {
    check_not_negative(checks, "revision", object["revision"].num());
    if (!object["data"]) checks.required("data", "data is mandatory");
}

void validate_controller_revision_update(Checks& checks, const UpdateCheck& update) {
    check_immutable(checks, "data", update.updated["data"], update.live["data"]);
}

}  // namespace kinds
