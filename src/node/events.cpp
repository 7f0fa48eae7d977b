// Event objects: written once, then counted up.
#include "node/events.h"

#include <fmt/format.h>

#include "kinds/registry.h"
#include "node/pod_worker.h"

namespace node {
namespace {

constexpr std::size_t remembered_max = 2048;

}  // namespace

Events::Events(run::Loop& loop, verbs::Api& api, Author author) : loop_(loop), api_(api), author_(std::move(author)) {}

void Events::say(const PodView& pod, const ContainerView* container, EventKind kind, std::string_view reason,
                 std::string message) {
    Subject subject{"Pod",
                    pod.ns,
                    pod.name,
                    pod.uid,
                    std::string(pod.object->meta()["resourceVersion"].str()),
                    container ? container->field_path() : ""};
    write(subject, kind, reason, std::move(message));
}

void Events::say_of_node(const std::string& name, EventKind kind, std::string_view reason, std::string message) {
    write({"Node", "default", name, name, "", ""}, kind, reason, std::move(message));
}

bool Events::count_up(const std::string& ns, Said& said) {
    const verbs::Target target{kinds::by_kind("v1", "Event"), ns, said.name};
    const auto current = api_.store().get(verbs::key_of(target));
    if (!current) return false;
    json::object next = current->value();
    next["count"] = ++said.count;
    next["lastTimestamp"] = base::rfc3339(loop_.now());
    return api_.update(target, std::move(next), as_kubelet()).has_value();
}

void Events::write(const Subject& subject, EventKind kind, std::string_view reason, std::string message) {
    const std::string_view type = kind == EventKind::normal ? "Normal" : "Warning";
    const auto key = fmt::format("{}/{}/{}/{}/{}", subject.uid, subject.field_path, type, reason, message);
    if (const auto known = said_.find(key); known != said_.end() && count_up(subject.ns, known->second)) return;

    const auto now = base::rfc3339(loop_.now());
    // Names carry the time, so that a list shows them in the order in which they happened.
    stamp_ = std::max(stamp_ + 1, static_cast<std::int64_t>(loop_.now().time_since_epoch().count()));
    const auto name = fmt::format("{}.{:x}", subject.name, stamp_);
    json::object about{{"kind", subject.kind}, {"name", subject.name}, {"uid", subject.uid}};
    if (subject.kind == "Pod") {
        about["apiVersion"] = "v1";
        about["namespace"] = subject.ns;
        about["resourceVersion"] = subject.version;
    }
    if (!subject.field_path.empty()) about["fieldPath"] = subject.field_path;
    json::object event{
        {"apiVersion", "v1"},
        {"kind", "Event"},
        {"metadata", json::object{{"name", name}, {"namespace", subject.ns}}},
        {"involvedObject", std::move(about)},
        {"reason", reason},
        {"message", message},
        {"source", json::object{{"component", "kubelet"}, {"host", author_.host}}},
        {"firstTimestamp", now},
        {"lastTimestamp", now},
        {"count", 1},
        {"type", type},
        {"eventTime", nullptr},
        {"reportingComponent", "kubelet"},
        {"reportingInstance", author_.host},
    };
    const verbs::Target target{kinds::by_kind("v1", "Event"), subject.ns, name};
    // A namespace that is going away takes no new events: then nobody misses them.
    if (!api_.create(target, std::move(event), as_kubelet())) return;
    if (said_.insert_or_assign(key, Said{name, 1}).second) order_.push_back(key);
    while (order_.size() > remembered_max) {
        said_.erase(order_.front());
        order_.pop_front();
    }
}

}  // namespace node
