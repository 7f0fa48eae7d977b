// Rows of what makes pods, and of what guards their number.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "kinds/cells.h"

namespace kinds {

namespace {

std::string of_containers(Ref pod_template, std::string_view field) {
    std::vector<std::string> texts;
    for (const auto& container : pod_template["spec"]["containers"].items())
        texts.emplace_back(Ref(container)[field].str());
    return joined(texts);
}

void add_containers(json::array& row, Ref pod_template) {
    row.emplace_back(of_containers(pod_template, "name"));
    row.emplace_back(of_containers(pod_template, "image"));
}

bool has_condition(Ref object, std::string_view type) {
    for (const auto& condition : object["status"]["conditions"].items())
        if (Ref(condition)["type"].str() == type) return Ref(condition)["status"].str() == "True";
    return false;
}

std::string_view job_status(Ref job) {
    if (has_condition(job, "Complete")) return "Complete";
    if (has_condition(job, "Failed")) return "Failed";
    if (job["metadata"]["deletionTimestamp"]) return "Terminating";
    if (has_condition(job, "Suspended")) return "Suspended";
    if (has_condition(job, "FailureTarget")) return "FailureTarget";
    return "Running";
}

std::string job_completions(Ref job) {
    const auto succeeded = job["status"]["succeeded"].num();
    if (const Ref wanted = job["spec"]["completions"]) return fmt::format("{}/{}", succeeded, wanted.num());
    const auto parallelism = job["spec"]["parallelism"].num();
    return parallelism > 1 ? fmt::format("{}/1 of {}", succeeded, parallelism) : fmt::format("{}/1", succeeded);
}

std::string job_duration(Ref job, base::Time now) {
    const auto started = base::parse_rfc3339(job["status"]["startTime"].str());
    if (!started) return "";
    const auto ended = base::parse_rfc3339(job["status"]["completionTime"].str());
    return human_duration(ended.value_or(now) - *started);
}

std::string percent(Ref value, std::string_view otherwise) {
    return value ? fmt::format("{}%", value.num()) : std::string(otherwise);
}

/// One metric as "current/target"; `source` names where both stand in spec and status.
std::string metric_text(Ref metric, Ref current, std::string_view source) {
    const Ref target = metric[source]["target"];
    const Ref now = current[source]["current"];
    const bool named = source == "resource" || source == "containerResource";
    const auto prefix = named ? fmt::format("{}: ", metric[source]["name"].str()) : std::string();
    if (const Ref average = target["averageValue"]) {
        const auto text =
            fmt::format("{}{}/{}", prefix, or_text(plain(now["averageValue"]), "<unknown>"), plain(average));
        return source == "external" || source == "object" ? text + " (avg)" : text;
    }
    if (named)
        return prefix + percent(now["averageUtilization"], "<unknown>") + "/" +
               percent(target["averageUtilization"], "<auto>");
    return fmt::format("{}/{}", or_text(plain(now["value"]), "<unknown>"), plain(target["value"]));
}

std::string_view metric_source(std::string_view type) {
    if (type == "External") return "external";
    if (type == "Pods") return "pods";
    if (type == "Object") return "object";
    return type == "ContainerResource" ? "containerResource" : "resource";
}

std::string autoscaler_targets(Ref scaler) {
    std::vector<std::string> texts;
    const auto& metrics = scaler["spec"]["metrics"].items();
    for (std::size_t i = 0; i < metrics.size(); ++i)
        texts.push_back(metric_text(metrics[i], scaler["status"]["currentMetrics"][i],
                                    metric_source(Ref(metrics[i])["type"].str())));
    const Ref cpu = scaler["spec"]["targetCPUUtilizationPercentage"];
    if (cpu)
        texts.push_back(fmt::format(
            "cpu: {}/{}%", percent(scaler["status"]["currentCPUUtilizationPercentage"], "<unknown>"), cpu.num()));
    return texts.empty() ? "<none>" : first_of(texts, 2, ", ");
}

}  // namespace

json::array pod_template_cells(Ref object, base::Time) {
    json::array row{name_of(object)};
    add_containers(row, object["template"]);
    row.emplace_back(labels_text(object["template"]["metadata"]["labels"]));
    return row;
}

json::array deployment_cells(Ref object, base::Time now) {
    const Ref status = object["status"];
    json::array row{name_of(object),
                    fmt::format("{}/{}", status["readyReplicas"].num(), object["spec"]["replicas"].num()),
                    status["updatedReplicas"].num(), status["availableReplicas"].num(), age(object, now)};
    add_containers(row, object["spec"]["template"]);
    row.emplace_back(selector_text(object["spec"]["selector"]));
    return row;
}

static json::array replica_counts(Ref object, base::Time now) {
    const Ref status = object["status"];
    json::array row{name_of(object), object["spec"]["replicas"].num(), status["replicas"].num(),
                    status["readyReplicas"].num(), age(object, now)};
    add_containers(row, object["spec"]["template"]);
    return row;
}

json::array replica_set_cells(Ref object, base::Time now) {
    auto row = replica_counts(object, now);
    row.emplace_back(selector_text(object["spec"]["selector"]));
    return row;
}

json::array replication_controller_cells(Ref object, base::Time now) {
    auto row = replica_counts(object, now);
    row.emplace_back(labels_text(object["spec"]["selector"]));
    return row;
}

json::array stateful_set_cells(Ref object, base::Time now) {
    json::array row{name_of(object),
                    fmt::format("{}/{}", object["status"]["readyReplicas"].num(), object["spec"]["replicas"].num()),
                    age(object, now)};
    add_containers(row, object["spec"]["template"]);
    return row;
}

json::array daemon_set_cells(Ref object, base::Time now) {
    const Ref status = object["status"];
    json::array row{name_of(object),
                    status["desiredNumberScheduled"].num(),
                    status["currentNumberScheduled"].num(),
                    status["numberReady"].num(),
                    status["updatedNumberScheduled"].num(),
                    status["numberAvailable"].num(),
                    labels_text(object["spec"]["template"]["spec"]["nodeSelector"]),
                    age(object, now)};
    add_containers(row, object["spec"]["template"]);
    row.emplace_back(selector_text(object["spec"]["selector"]));
    return row;
}

json::array controller_revision_cells(Ref object, base::Time now) {
    std::string controller = "<none>";
    for (const auto& item : object["metadata"]["ownerReferences"].items()) {
        const Ref owner(item);
        if (!owner["controller"].flag()) continue;
        const auto version = owner["apiVersion"].str();
        const auto slash = version.find('/');
        const auto group =
            slash == std::string_view::npos ? std::string() : "." + std::string(version.substr(0, slash));
        controller = std::string(owner["kind"].str()) + group;
        std::ranges::transform(controller, controller.begin(), [](unsigned char c) { return std::tolower(c); });
        controller += "/" + std::string(owner["name"].str());
    }
    return {name_of(object), controller, object["revision"].num(), age(object, now)};
}

json::array job_cells(Ref object, base::Time now) {
    json::array row{name_of(object), job_status(object), job_completions(object), job_duration(object, now),
                    age(object, now)};
    add_containers(row, object["spec"]["template"]);
    row.emplace_back(selector_text(object["spec"]["selector"]));
    return row;
}

json::array cron_job_cells(Ref object, base::Time now) {
    const Ref spec = object["spec"];
    const Ref last = object["status"]["lastScheduleTime"];
    json::array row{name_of(object),
                    spec["schedule"].str(),
                    or_text(spec["timeZone"].str(), "<none>"),
                    !spec["suspend"]         ? "<unset>"
                    : spec["suspend"].flag() ? "True"
                                             : "False",
                    object["status"]["active"].size(),
                    last ? age_of(last, now) : "<none>",
                    age(object, now)};
    add_containers(row, spec["jobTemplate"]["spec"]["template"]);
    row.emplace_back(selector_text(spec["jobTemplate"]["spec"]["selector"]));
    return row;
}

json::array autoscaler_cells(Ref object, base::Time now) {
    const Ref spec = object["spec"];
    const Ref target = spec["scaleTargetRef"];
    return {name_of(object),
            fmt::format("{}/{}", target["kind"].str(), target["name"].str()),
            autoscaler_targets(object),
            spec["minReplicas"] ? std::to_string(spec["minReplicas"].num()) : "<unset>",
            spec["maxReplicas"].num(),
            object["status"]["currentReplicas"].num(),
            age(object, now)};
}

json::array disruption_budget_cells(Ref object, base::Time now) {
    const Ref spec = object["spec"];
    return {name_of(object), or_text(plain(spec["minAvailable"]), "N/A"), or_text(plain(spec["maxUnavailable"]), "N/A"),
            object["status"]["disruptionsAllowed"].num(), age(object, now)};
}

}  // namespace kinds
