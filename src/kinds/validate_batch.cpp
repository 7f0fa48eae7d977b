// Validation of Jobs and CronJobs.
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <string>

#include "kinds/validate.h"
#include "object/selector.h"

namespace kinds {

static void check_exit_codes(Checks& checks, const Path& at, Ref codes) {
    const auto op = codes["operator"].str();
    if (op.empty())
        checks.required(at / "operator");
    else
        checks.one_of(at / "operator", codes["operator"], {"In", "NotIn"});
    const auto& values = codes["values"].items();
    bool ordered = true;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const auto value = Ref(values[i]).num();
        if (op == "In" && value == 0)
            checks.invalid((at / "values")[i], shown(value), "must not be 0 for the In operator");
        for (std::size_t k = 0; k < i; ++k)
            if (Ref(values[k]).num() == value) checks.duplicate((at / "values")[i], shown(value));
        if (i > 0 && Ref(values[i - 1]).num() > value) ordered = false;
    }
    constexpr std::size_t values_max = 255;
    if (values.empty()) checks.invalid(at / "values", "[]", "at least one value is required");
    if (values.size() > values_max) checks.too_many(at / "values", values.size(), values_max);
    if (!ordered) checks.invalid(at / "values", shown(codes["values"]), "must be ordered");
}

static void check_failure_rule(Checks& checks, const Path& at, Ref rule, Ref spec) {
    const auto action = rule["action"].str();
    if (action.empty())
        checks.required(at / "action", "valid values: \"Count\", \"FailIndex\", \"FailJob\", \"Ignore\"");
    else if (action == "FailIndex" && !spec["backoffLimitPerIndex"])
        checks.invalid(at / "action", shown(action), "requires the backoffLimitPerIndex to be set");
    else
        checks.one_of(at / "action", rule["action"], {"Count", "FailIndex", "FailJob", "Ignore"});
    if (rule["onExitCodes"]) check_exit_codes(checks, at / "onExitCodes", rule["onExitCodes"]);
    const auto& conditions = rule["onPodConditions"].items();
    for (std::size_t i = 0; i < conditions.size(); ++i) {
        const auto place = (at / "onPodConditions")[i];
        const auto type = Ref(conditions[i])["type"].str();
        complain(checks, place / "type", type, qualified_name(type));
        checks.one_of(place / "status", Ref(conditions[i])["status"], {"False", "True", "Unknown"});
    }
    if (rule["onExitCodes"] && !conditions.empty())
        checks.invalid(at, shown(rule), "specifying both OnExitCodes and OnPodConditions is not supported");
    if (!rule["onExitCodes"] && conditions.empty())
        checks.invalid(at, shown(rule), "specifying one of OnExitCodes and OnPodConditions is required");
}

static void check_restart(Checks& checks, const Path& at, Ref spec) {
    const auto policy = spec["template"]["spec"]["restartPolicy"].str();
    const auto place = at / "template" / "spec" / "restartPolicy";
    // "Always" is what defaulting writes, so it counts as not given.
    if (policy == "Always")
        checks.required(place, "valid values: \"OnFailure\", \"Never\"");
    else if (policy != "OnFailure" && policy != "Never")
        checks.unsupported(place, shown(policy), {"OnFailure", "Never"});
    else if (spec["podFailurePolicy"] && policy != "Never")
        checks.invalid(place, shown(policy), "only \"Never\" is supported when podFailurePolicy is specified");
}

/// A Job's spec but for its selector: also that of a CronJob's template.
static void check_job_parts(Checks& checks, const Path& at, Ref spec) {
    for (const auto* count : {"parallelism", "completions", "activeDeadlineSeconds", "backoffLimit",
                              "ttlSecondsAfterFinished", "backoffLimitPerIndex", "maxFailedIndexes"})
        if (spec[count]) check_not_negative(checks, at / count, spec[count].num());
    const bool indexed = spec["completionMode"].str() == "Indexed";
    if (spec["maxFailedIndexes"] && !spec["backoffLimitPerIndex"])
        checks.required(at / "backoffLimitPerIndex", "when maxFailedIndexes is specified");
    if (spec["backoffLimitPerIndex"] && !indexed)
        checks.invalid(at / "backoffLimitPerIndex", shown(spec["backoffLimitPerIndex"]),
                       "requires indexed completion mode");
    if (spec["completionMode"]) checks.one_of(at / "completionMode", spec["completionMode"], {"NonIndexed", "Indexed"});
    if (indexed && !spec["completions"]) checks.required(at / "completions", "when completion mode is Indexed");
    const auto& rules = spec["podFailurePolicy"]["rules"].items();
    for (std::size_t i = 0; i < rules.size(); ++i)
        check_failure_rule(checks, (at / "podFailurePolicy" / "rules")[i], rules[i], spec);
    if (spec["successPolicy"] && !indexed)
        checks.invalid(at / "successPolicy", shown(spec["successPolicy"]), "requires indexed completion mode");
    if (spec["podReplacementPolicy"]) {
        if (spec["podFailurePolicy"])
            checks.one_of(at / "podReplacementPolicy", spec["podReplacementPolicy"], {"Failed"});
        else
            checks.one_of(at / "podReplacementPolicy", spec["podReplacementPolicy"], {"Failed", "TerminatingOrFailed"});
    }
    if (const auto manager = spec["managedBy"].str(); !manager.empty())
        complain(checks, at / "managedBy", manager, qualified_name(manager));
    check_template(checks, at / "template", spec["template"]);
    check_restart(checks, at, spec);
}

static void check_job_spec(Checks& checks, Ref spec) {
    const Path at("spec");
    check_job_parts(checks, at, spec);
    if (!spec["selector"])
        checks.required(at / "selector");
    else
        check_label_selector(checks, at / "selector", spec["selector"]);
    const auto selector = object::LabelSelector::from_json(spec["selector"]);
    const Ref labels = spec["template"]["metadata"]["labels"];
    if (selector && !selector->matches(labels))
        checks.invalid(at / "template" / "metadata" / "labels", shown(labels),
                       "`selector` does not match template `labels`");
}

/// A selector that the server made must be the one that it would make.
static void check_generated_selector(Checks& checks, Ref job) {
    const Ref spec = job["spec"];
    if (spec["manualSelector"].flag() || !spec["selector"]) return;
    const auto uid = job["metadata"]["uid"].str();
    const auto name = job["metadata"]["name"].str();
    if (uid.empty()) checks.required("metadata.uid");
    const std::array<std::pair<std::string_view, std::string_view>, 4> expected{
        {{"controller-uid", uid},
         {"batch.kubernetes.io/controller-uid", uid},
         {"job-name", name},
         {"batch.kubernetes.io/job-name", name}}};
    json::object generated;
    for (const auto& [key, value] : expected) {
        generated[key] = value;
        const Ref label = spec["template"]["metadata"]["labels"][key];
        const Path at = Path("spec.template.metadata.labels");
        if (label.missing())
            checks.required(at.key(key), "must be '" + std::string(value) + "'");
        else if (label.str() != value)
            checks.invalid(at.key(key), shown(label), "must be '" + std::string(value) + "'");
    }
    const auto selector = object::LabelSelector::from_json(spec["selector"]);
    if (selector && !selector->matches(generated))
        checks.invalid("spec.selector", shown(spec["selector"]), "`selector` not auto-generated");
}

void validate_job(Checks& checks, Ref job) {
    check_generated_selector(checks, job);
    check_job_spec(checks, job["spec"]);
}

/// Where pods may go can change while a Job is suspended and has not begun.
static json::object without_placement(Ref pod_template) {
    json::object out = pod_template.members();
    if (auto* metadata = find_object(out, "metadata"))
        for (const auto* free : {"labels", "annotations"}) metadata->erase(free);
    if (auto* spec = find_object(out, "spec"))
        for (const auto* free : {"nodeSelector", "affinity", "tolerations", "schedulingGates"}) spec->erase(free);
    return out;
}

void validate_job_update(Checks& checks, const UpdateCheck& update) {
    const Path at("spec");
    const Ref now = update.updated["spec"];
    const Ref before = update.live["spec"];
    check_job_spec(checks, now);
    const bool elastic = now["completionMode"].str() == "Indexed" && equal(now["completions"], now["parallelism"]) &&
                         equal(before["completions"], before["parallelism"]);
    if (!elastic) check_immutable(checks, at / "completions", now["completions"], before["completions"]);
    check_immutable(checks, at / "selector", now["selector"], before["selector"]);
    const bool waiting = before["suspend"].flag() && !update.live["status"]["startTime"];
    const json::object new_template = waiting ? without_placement(now["template"]) : now["template"].members();
    const json::object old_template = waiting ? without_placement(before["template"]) : before["template"].members();
    check_immutable(checks, at / "template" / "spec", Ref(new_template)["spec"], Ref(old_template)["spec"]);
    check_immutable(checks, at / "template" / "metadata", Ref(new_template)["metadata"], Ref(old_template)["metadata"]);
    for (const auto* fixed :
         {"completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"})
        check_immutable(checks, at / fixed, now[fixed], before[fixed]);
}

namespace {

struct CronField {
    int least, most;
    std::span<const std::string_view> names;
    int first_name = 0;
};

constexpr std::array<std::string_view, 12> months{"jan", "feb", "mar", "apr", "may", "jun",
                                                  "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> days{"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
constexpr std::array<CronField, 5> cron_fields{
    {{0, 59, {}}, {0, 23, {}}, {1, 31, {}}, {1, 12, months, 1}, {0, 6, days, 0}}};

bool cron_value(std::string_view text, const CronField& field) {
    std::string low(text);
    std::ranges::transform(low, low.begin(), [](unsigned char c) { return std::tolower(c); });
    if (std::ranges::find(field.names, low) != field.names.end()) return true;
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() && number >= field.least && number <= field.most;
}

bool cron_part(std::string_view text, const CronField& field) {
    const auto slash = text.find('/');
    if (slash != std::string_view::npos) {
        const auto step = text.substr(slash + 1);
        const auto is_digit = [](unsigned char c) { return std::isdigit(c) != 0; };
        if (step.empty() || step == "0" || !std::ranges::all_of(step, is_digit)) return false;
        text = text.substr(0, slash);
    }
    if (text == "*" || text == "?") return true;
    const auto dash = text.find('-');
    if (dash == std::string_view::npos) return cron_value(text, field);
    return cron_value(text.substr(0, dash), field) && cron_value(text.substr(dash + 1), field);
}

std::vector<std::string_view> split(std::string_view text, char by) {
    std::vector<std::string_view> parts;
    for (std::size_t start = 0; start <= text.size();) {
        const auto end = std::min(text.find(by, start), text.size());
        if (by != ' ' || end > start) parts.push_back(text.substr(start, end - start));
        start = end + 1;
    }
    return parts;
}

bool is_schedule(std::string_view text) {
    static constexpr std::array<std::string_view, 7> words{"@yearly", "@annually", "@monthly", "@weekly",
                                                           "@daily",  "@midnight", "@hourly"};
    if (text.starts_with('@')) return std::ranges::find(words, text) != words.end() || text.starts_with("@every ");
    const auto fields = split(text, ' ');
    if (fields.size() != cron_fields.size()) return false;
    for (std::size_t i = 0; i < fields.size(); ++i)
        for (const auto part : split(fields[i], ','))
            if (!cron_part(part, cron_fields[i])) return false;
    return true;
}

bool is_time_zone(std::string_view name) {
    if (name == "UTC" || name == "Etc/UTC") return true;
    if (name.find("..") != std::string_view::npos || name.starts_with('/')) return false;
    return std::filesystem::is_regular_file(std::filesystem::path("/usr/share/zoneinfo") / name);
}

}  // namespace

static void check_schedule(Checks& checks, const Path& at, Ref spec) {
    const auto schedule = spec["schedule"].str();
    if (schedule.empty())
        checks.required(at / "schedule");
    else if (schedule.find("TZ") != std::string_view::npos)
        checks.invalid(at / "schedule", shown(schedule),
                       "cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
    else if (!is_schedule(schedule))
        checks.invalid(at / "schedule", shown(schedule), "expected exactly 5 fields of a cron schedule");
    if (spec["startingDeadlineSeconds"])
        check_not_negative(checks, at / "startingDeadlineSeconds", spec["startingDeadlineSeconds"].num());
    if (const Ref zone = spec["timeZone"]) {
        if (zone.str().empty())
            checks.invalid(at / "timeZone", shown(zone), "must be nil or non-empty value");
        else if (zone.str() == "Local")
            checks.invalid(at / "timeZone", shown(zone), "timeZone must be an explicit time zone as defined in tzdata");
        else if (!is_time_zone(zone.str()))
            checks.invalid(at / "timeZone", shown(zone), "unknown time zone");
    }
}

static void check_cron_job(Checks& checks, Ref job) {
    const Path at("spec");
    const Ref spec = job["spec"];
    check_schedule(checks, at, spec);
    if (spec["concurrencyPolicy"].str().empty())
        checks.required(at / "concurrencyPolicy");
    else
        checks.one_of(at / "concurrencyPolicy", spec["concurrencyPolicy"], {"Allow", "Forbid", "Replace"});
    const Ref job_spec = spec["jobTemplate"]["spec"];
    if (job_spec["manualSelector"].flag())
        checks.unsupported(at / "jobTemplate" / "spec" / "manualSelector", "true", {"nil", "false"});
    check_job_parts(checks, at / "jobTemplate" / "spec", job_spec);
    for (const auto* count : {"successfulJobsHistoryLimit", "failedJobsHistoryLimit"})
        if (spec[count]) check_not_negative(checks, at / count, spec[count].num());
}

void validate_cron_job_update(Checks& checks, const UpdateCheck& update) { check_cron_job(checks, update.updated); }

/// Its jobs' names add eleven characters to its own.
void validate_new_cron_job(Checks& checks, Ref job) {
    constexpr std::size_t name_max = 52;
    const auto name = job["metadata"]["name"].str();
    check_cron_job(checks, job);
    if (name.size() > name_max) checks.invalid("metadata.name", shown(name), "must be no more than 52 characters");
}

}  // namespace kinds
