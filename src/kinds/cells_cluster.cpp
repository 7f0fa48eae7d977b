// Rows of access, storage, admission, scheduling, extension and flow kinds.
#include <fmt/format.h>

#include "kinds/cells.h"

namespace kinds {

namespace {

std::string subjects(Ref binding, std::string_view kind) {
    std::vector<std::string> names;
    for (const auto& item : binding["subjects"].items()) {
        const Ref subject(item);
        if (subject["kind"].str() != kind) continue;
        const auto ns = subject["namespace"].str();
        names.push_back(ns.empty() ? std::string(subject["name"].str())
                                   : fmt::format("{}/{}", ns, subject["name"].str()));
    }
    return joined(names, ", ");
}

Ref condition(Ref object, std::string_view type) {
    for (const auto& item : object["status"]["conditions"].items())
        if (Ref(item)["type"].str() == type) return item;
    return {};
}

std::string param_kind(Ref policy) {
    const Ref kind = policy["spec"]["paramKind"];
    return kind ? fmt::format("{}/{}", kind["apiVersion"].str(), kind["kind"].str()) : "<unset>";
}

std::string claim_state(Ref claim) {
    std::vector<std::string> states;
    const bool deleted = static_cast<bool>(claim["metadata"]["deletionTimestamp"]);
    if (deleted) states.emplace_back("deleted");
    if (claim["status"]["allocation"]) {
        states.emplace_back("allocated");
        if (claim["status"]["reservedFor"].size() > 0) states.emplace_back("reserved");
    } else if (!deleted) {
        states.emplace_back("pending");
    }
    return joined(states);
}

json::value count_or_none(Ref value) {
    if (!value) return "<none>";
    return value.num();
}

std::string request_state(Ref request) {
    std::string text = condition(request, "Denied")     ? "Denied"
                       : condition(request, "Approved") ? "Approved"
                                                        : "Pending";
    if (condition(request, "Failed")) text += ",Failed";
    if (!request["status"]["certificate"].str().empty()) text += ",Issued";
    return text;
}

}  // namespace

json::array role_binding_cells(Ref object, base::Time now) {
    const Ref role = object["roleRef"];
    return {name_of(object),           fmt::format("{}/{}", role["kind"].str(), role["name"].str()),
            age(object, now),          subjects(object, "User"),
            subjects(object, "Group"), subjects(object, "ServiceAccount")};
}

json::array storage_class_cells(Ref object, base::Time now) {
    std::string name{name_of(object)};
    const Ref annotations = object["metadata"]["annotations"];
    if (annotations["storageclass.kubernetes.io/is-default-class"].str() == "true" ||
        annotations["storageclass.beta.kubernetes.io/is-default-class"].str() == "true")
        name += " (default)";
    return {name,
            object["provisioner"].str(),
            or_text(object["reclaimPolicy"].str(), "Delete"),
            or_text(object["volumeBindingMode"].str(), "Immediate"),
            object["allowVolumeExpansion"].flag(),
            age(object, now)};
}

json::array csi_driver_cells(Ref object, base::Time now) {
    const Ref spec = object["spec"];
    std::vector<std::string> audiences, modes;
    for (const auto& token : spec["tokenRequests"].items()) audiences.emplace_back(Ref(token)["audience"].str());
    for (const auto& mode : spec["volumeLifecycleModes"].items()) modes.emplace_back(Ref(mode).str());
    return {name_of(object),
            spec["attachRequired"].flag(true),
            spec["podInfoOnMount"].flag(),
            spec["storageCapacity"].flag(),
            audiences.empty() ? "<unset>" : joined(audiences),
            spec["requiresRepublish"].flag(),
            modes.empty() ? "<none>" : joined(modes),
            age(object, now)};
}

json::array csi_node_cells(Ref object, base::Time now) {
    return {name_of(object), object["spec"]["drivers"].size(), age(object, now)};
}

json::array volume_attachment_cells(Ref object, base::Time now) {
    const Ref spec = object["spec"];
    return {name_of(object),
            spec["attacher"].str(),
            spec["source"]["persistentVolumeName"].str(),
            spec["nodeName"].str(),
            object["status"]["attached"].flag(),
            age(object, now)};
}

json::array attributes_class_cells(Ref object, base::Time now) {
    return {name_of(object), object["driverName"].str(), age(object, now)};
}

json::array webhook_cells(Ref object, base::Time now) {
    return {name_of(object), object["webhooks"].size(), age(object, now)};
}

json::array validating_policy_cells(Ref object, base::Time now) {
    return {name_of(object), object["spec"]["validations"].size(), param_kind(object), age(object, now)};
}

json::array mutating_policy_cells(Ref object, base::Time now) {
    return {name_of(object), object["spec"]["mutations"].size(), param_kind(object), age(object, now)};
}

json::array policy_binding_cells(Ref object, base::Time now) {
    const Ref parameters = object["spec"]["paramRef"];
    std::string text = "<unset>";
    if (parameters) text = fmt::format("{}/{}", or_text(parameters["namespace"].str(), "*"), parameters["name"].str());
    return {name_of(object), object["spec"]["policyName"].str(), text, age(object, now)};
}

json::array priority_class_cells(Ref object, base::Time now) {
    return {name_of(object), object["value"].num(), object["globalDefault"].flag(), age(object, now),
            object["preemptionPolicy"].str()};
}

json::array lease_cells(Ref object, base::Time now) {
    return {name_of(object), object["spec"]["holderIdentity"].str(), age(object, now)};
}

json::array runtime_class_cells(Ref object, base::Time now) {
    return {name_of(object), object["handler"].str(), age(object, now)};
}

json::array resource_claim_cells(Ref object, base::Time now) {
    return {name_of(object), claim_state(object), age(object, now)};
}

json::array resource_slice_cells(Ref object, base::Time now) {
    const Ref spec = object["spec"];
    return {name_of(object), spec["nodeName"].str(), spec["driver"].str(), spec["pool"]["name"].str(),
            age(object, now)};
}

json::array flow_schema_cells(Ref object, base::Time now) {
    const Ref spec = object["spec"];
    return {name_of(object),
            spec["priorityLevelConfiguration"]["name"].str(),
            spec["matchingPrecedence"].num(),
            or_text(spec["distinguisherMethod"]["type"].str(), "<none>"),
            age(object, now),
            or_text(condition(object, "Dangling")["status"].str(), "?")};
}

json::array priority_level_cells(Ref object, base::Time now) {
    const Ref spec = object["spec"];
    const Ref shares =
        spec["limited"] ? spec["limited"]["nominalConcurrencyShares"] : spec["exempt"]["nominalConcurrencyShares"];
    const Ref queuing = spec["limited"]["limitResponse"]["queuing"];
    return {name_of(object),
            spec["type"].str(),
            count_or_none(shares),
            count_or_none(queuing["queues"]),
            count_or_none(queuing["handSize"]),
            count_or_none(queuing["queueLengthLimit"]),
            age(object, now)};
}

json::array api_service_cells(Ref object, base::Time now) {
    const Ref backend = object["spec"]["service"];
    const Ref available = condition(object, "Available");
    std::string state{or_text(available["status"].str(), "Unknown")};
    if (available && state != "True") state += fmt::format(" ({})", available["reason"].str());
    return {name_of(object),
            backend ? fmt::format("{}/{}", backend["namespace"].str(), backend["name"].str()) : "Local", state,
            age(object, now)};
}

json::array signing_request_cells(Ref object, base::Time now) {
    const Ref spec = object["spec"];
    const Ref wanted = spec["expirationSeconds"];
    return {name_of(object),
            age(object, now),
            or_text(spec["signerName"].str(), "<none>"),
            spec["username"].str(),
            wanted ? human_duration(std::chrono::seconds(wanted.num())) : "<none>",
            request_state(object)};
}

}  // namespace kinds
