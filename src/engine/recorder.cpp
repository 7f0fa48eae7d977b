// Bodies and counts of Events, in the two forms that upstream writes: with a source, and with an action.
#include "engine/recorder.h"

#include <fmt/format.h>

#include "kinds/registry.h"

namespace engine {

namespace {

constexpr std::size_t known_max = 2048;
constexpr std::size_t waiting_max = 8192;

const object::Kind* kind_of(const Resource& resource) {
    for (const auto& kind : kinds::all())
        if (kind.group == resource.group && kind.plural == resource.plural) return &kind;
    return nullptr;
}

}  // namespace

Recorder::Recorder(run::Loop& loop, verbs::Api& api)
    : loop_(loop), api_(api), kind_(kinds::by_resource("", "v1", "events")) {}

void Recorder::take(Note note) {
    if (waiting_.size() < waiting_max) waiting_.push_back(std::move(note));
}

void Recorder::flush(std::size_t notes_max) {
    for (; notes_max > 0 && !waiting_.empty(); --notes_max) {
        const auto note = std::move(waiting_.front());
        waiting_.pop_front();
        if (kind_) write(note);
    }
}

json::object Recorder::body(const Note& note, const std::string& name) {
    const auto now = loop_.now();
    const auto* kind = kind_of(note.resource);
    const auto& about = *note.about;
    json::object involved{{"kind", kind ? kind->kind : ""},
                          {"name", about.name()},
                          {"uid", about.uid()},
                          {"apiVersion", kind ? kind->api_version() : ""},
                          {"resourceVersion", std::to_string(about.revision())}};
    if (!about.ns().empty()) involved["namespace"] = about.ns();
    json::object out{{"apiVersion", "v1"},
                     {"kind", "Event"},
                     {"metadata", {{"name", name}, {"namespace", about.ns().empty() ? "default" : about.ns()}}},
                     {"involvedObject", std::move(involved)},
                     {"reason", note.reason},
                     {"message", note.message},
                     {"type", note.level == Level::normal ? "Normal" : "Warning"},
                     {"reportingComponent", note.component}};
    if (note.action.empty()) {
        out["source"] = {{"component", note.component}};
        out["firstTimestamp"] = out["lastTimestamp"] = base::rfc3339(now);
        out["count"] = 1;
        out["reportingInstance"] = "";
    } else {
        out["source"] = json::object{};
        out["action"] = note.action;
        out["eventTime"] = base::rfc3339_micro(now);
        out["reportingInstance"] = note.component + "-slipway";
    }
    return out;
}

bool Recorder::repeat(const std::string& same, Known& known) {
    ++known.count;
    const json::object patch{{"count", known.count}, {"lastTimestamp", base::rfc3339(loop_.now())}};
    const auto written = api_.patch({kind_, known.ns, known.name}, verbs::PatchType::merge, patch,
                                    {.field_manager = "kube-controller-manager"});
    if (written) return true;
    std::erase(order_, same);
    known_.erase(same);
    return false;
}

void Recorder::write(const Note& note) {
    const auto same = fmt::format("{}\n{}\n{}\n{}", note.about->uid(), note.reason, note.component, note.message);
    if (const auto found = known_.find(same); found != known_.end() && repeat(same, found->second)) return;
    stamp_ = std::max(stamp_ + 1, static_cast<std::int64_t>(loop_.now().time_since_epoch().count()));
    const auto name = fmt::format("{}.{:x}", note.about->name(), stamp_);
    const std::string ns(note.about->ns().empty() ? "default" : note.about->ns());
    const auto manager = note.action.empty() ? "kube-controller-manager" : "kube-scheduler";
    // An Event that cannot be written (its namespace is ending) is not worth a retry.
    if (!api_.create({kind_, ns, name}, body(note, name), {.field_manager = manager})) return;
    if (known_.size() >= known_max) {
        known_.erase(order_.front());
        order_.pop_front();
    }
    known_.emplace(same, Known{ns, name});
    order_.push_back(same);
}

}  // namespace engine
