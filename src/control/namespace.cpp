// The end of a namespace. Rule: pods go first and all else once they are gone; the namespace is let go when nothing is
// left in it, and says meanwhile what holds it.
#include <fmt/format.h>

#include <map>

#include "control/controllers.h"
#include "control/workload.h"
#include "kinds/registry.h"

namespace control {

namespace {

const Resource& namespaces() {
    static const Resource resource{"", "namespaces"};
    return resource;
}

/// How long an ending namespace stands at least, so that whoever still writes into it is told that it ends. Counted
/// from the whole second in which its end began, so a second more than is wanted.
constexpr Duration standing_min = std::chrono::milliseconds(1250);

/// What still stands in a namespace.
struct Remains {
    std::map<std::string, std::size_t> kinds;       ///< "pods." to count
    std::map<std::string, std::size_t> finalizers;  ///< name to count
    bool pods = false;
};

void clear(Plan& plan, const Resource& resource, const std::vector<ObjectPtr>& objects) {
    for (const auto& object : objects) {
        if (object->deleting()) continue;
        plan.remove({.resource = resource,
                     .ns = std::string(object->ns()),
                     .name = std::string(object->name()),
                     .options = {.propagation = verbs::Propagation::background,
                                 .precondition_uid = std::string(object->uid())}});
    }
}

void take_stock(Remains& remains, const Resource& resource, const std::vector<ObjectPtr>& objects) {
    if (objects.empty()) return;
    remains.kinds[resource.plural + "." + resource.group] = objects.size();
    for (const auto& object : objects)
        for (const auto& finalizer : object->meta()["finalizers"].items())
            ++remains.finalizers[std::string(Ref(finalizer).str())];
}

std::string listed(const std::map<std::string, std::size_t>& counts, std::string_view pattern) {
    std::string out;
    for (const auto& [name, count] : counts)
        out += (out.empty() ? "" : ", ") + fmt::format(fmt::runtime(pattern), name, count);
    return out;
}

void put(json::object& status, Time now, std::array<std::string, 4> condition) {
    auto& [type, value, reason, message] = condition;
    const auto before = [&] {
        for (const auto& item : object::list(status, "conditions"))
            if (Ref(item)["type"].str() == type)
                return Ref(item)["status"].str() == value ? std::string(Ref(item)["lastTransitionTime"].str())
                                                          : std::string();
        return std::string();
    }();
    auto& list = object::list(status, "conditions");
    json::object made{{"type", type},
                      {"status", value},
                      {"lastTransitionTime", before.empty() ? base::rfc3339(now) : before},
                      {"reason", reason},
                      {"message", message}};
    for (auto& item : list)
        if (Ref(item)["type"].str() == type) {
            item = std::move(made);
            return;
        }
    list.push_back(std::move(made));
}

json::object status_of(const Object& ns, const Remains& remains, Time now) {
    auto status = ns["status"].members();
    status["phase"] = "Terminating";
    put(status, now,
        {"NamespaceDeletionDiscoveryFailure", "False", "ResourcesDiscovered", "All resources successfully discovered"});
    put(status, now,
        {"NamespaceDeletionGroupVersionParsingFailure", "False", "ParsedGroupVersions",
         "All legacy kube types successfully parsed"});
    put(status, now,
        {"NamespaceDeletionContentFailure", "False", "ContentDeleted",
         "All content successfully deleted, may be waiting on finalization"});
    if (remains.kinds.empty())
        put(status, now, {"NamespaceContentRemaining", "False", "ContentRemoved", "All content successfully removed"});
    else
        put(status, now,
            {"NamespaceContentRemaining", "True", "SomeResourcesRemain",
             "Some resources are remaining: " + listed(remains.kinds, "{} has {} resource instances")});
    if (remains.finalizers.empty())
        put(status, now,
            {"NamespaceFinalizersRemaining", "False", "ContentHasNoFinalizers",
             "All content-preserving finalizers finished"});
    else
        put(status, now,
            {"NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain",
             "Some content in the namespace has finalizers remaining: " +
                 listed(remains.finalizers, "{} in {} resource instances")});
    return status;
}

void let_go(Plan& plan, const Object& ns) {
    auto copy = ns.value();
    erase_items(object::list(object::child(copy, "spec"), "finalizers"),
                [](const json::value& one) { return Ref(one).str() == "kubernetes"; });
    plan.update(namespaces(), std::move(copy), "finalize");
}

/// Each namespaced resource once, whatever versions it is served in.
std::set<Resource> namespaced_resources() {
    std::set<Resource> out;
    for (const auto& kind : kinds::all())
        if (kind.namespaced() && kind.has_verb("delete"))
            out.emplace(std::string(kind.group), std::string(kind.plural));
    return out;
}

Result<Plan> reconcile(const Pass& pass) {
    Plan plan;
    if (!pass.object || !pass.object->deleting()) return plan;
    const auto& ns = *pass.object;
    Remains remains;
    const auto standing = pass.view.list(pods(), ns.name());
    take_stock(remains, pods(), standing);
    clear(plan, pods(), standing);
    if (standing.empty()) {
        for (const auto& resource : namespaced_resources()) {
            const auto objects = pass.view.list(resource, ns.name());
            take_stock(remains, resource, objects);
            clear(plan, resource, objects);
        }
    }
    // While something was only just told to go, what remains is known after the next look.
    if (!plan.steps().empty()) {
        plan.again_in(Duration{0});
        return plan;
    }
    if (remains.kinds.empty()) {
        if (ns["spec"]["finalizers"].size() == 0) return plan;
        const auto began = base::parse_rfc3339(ns.meta()["deletionTimestamp"].str());
        const auto left = began.value_or(pass.now) + standing_min - pass.now;
        if (began && left > Duration{0})
            plan.again_in(left);
        else
            let_go(plan, ns);
        return plan;
    }
    auto status = status_of(ns, remains, pass.now);
    if (ns["status"].members() == status) return plan;
    auto copy = ns.value();
    copy["status"] = std::move(status);
    plan.update_status(namespaces(), std::move(copy));
    return plan;
}

/// What leaves an ending namespace may have been the last thing in it; what still comes in must go as well.
void wake_ending(const store::Event& event, const engine::View& view, engine::Keys& keys) {
    if (event.key.ns.empty()) return;
    const store::Key key{namespaces(), "", event.key.ns};
    const auto ns = view.get(key);
    if (ns && ns->deleting()) keys.push_back(key);
}

}  // namespace

engine::Controller namespace_controller() {
    return {.name = "namespace", .watches = {engine::watch(namespaces()), {{}, wake_ending}}, .reconcile = reconcile};
}

}  // namespace control
