// Reads through the indexes. Rule: every name is looked up in the store again, so a view is never older than the store.
#include "engine/view.h"

namespace engine {

using object::Ref;

Ref controller_of(const object::Object& object) {
    for (const auto& owner : object.meta()["ownerReferences"].items())
        if (Ref(owner)["controller"].flag()) return Ref(owner);
    return {};
}

std::vector<ObjectPtr> View::owned_by(const Resource& resource, std::string_view uid) const {
    std::vector<ObjectPtr> out;
    for (const auto& key : index_.dependents(uid)) {
        if (key.resource != resource) continue;
        auto object = store_.get(key);
        if (object && controller_of(*object)["uid"].str() == uid) out.push_back(std::move(object));
    }
    return out;
}

std::vector<std::pair<store::Key, ObjectPtr>> View::dependents(std::string_view uid) const {
    std::vector<std::pair<store::Key, ObjectPtr>> out;
    for (const auto& key : index_.dependents(uid)) {
        auto object = store_.get(key);
        if (!object) continue;
        for (const auto& owner : object->meta()["ownerReferences"].items()) {
            if (Ref(owner)["uid"].str() != uid) continue;
            out.emplace_back(key, std::move(object));
            break;
        }
    }
    return out;
}

/// The narrowest label that the selector demands with one value; null when it demands none.
static const std::set<std::string>* candidates(const Index& index, std::string_view ns,
                                               const object::LabelSelector& selector) {
    const std::set<std::string>* best = nullptr;
    for (const auto& requirement : selector.requirements()) {
        if (requirement.op != object::Operator::in || requirement.values.size() != 1) continue;
        const auto& names = index.pods_labelled(ns, requirement.key, requirement.values.front());
        if (!best || names.size() < best->size()) best = &names;
    }
    return best;
}

std::vector<ObjectPtr> View::pods(std::string_view ns, const object::LabelSelector& selector) const {
    const Resource resource{"", "pods"};
    std::vector<ObjectPtr> out;
    const auto* names = candidates(index_, ns, selector);
    if (!names) {
        out = store_.list(resource, ns);
    } else {
        for (const auto& name : *names)
            if (auto pod = store_.get({resource, std::string(ns), name})) out.push_back(std::move(pod));
    }
    std::erase_if(out, [&](const ObjectPtr& pod) { return !selector.matches(pod->meta()["labels"]); });
    return out;
}

std::vector<ObjectPtr> View::pods_on(std::string_view node) const {
    std::vector<ObjectPtr> out;
    for (const auto& key : index_.pods_on(node)) {
        auto pod = store_.get(key);
        if (pod && (*pod)["spec"]["nodeName"].str() == node) out.push_back(std::move(pod));
    }
    return out;
}

}  // namespace engine
