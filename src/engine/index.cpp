// Each object is noted once with all its places, so that what is put can be taken out without a search.
#include "engine/index.h"

namespace engine {

using object::Ref;

static std::string label_place(std::string_view ns, std::string_view label, std::string_view value) {
    std::string place;
    place.reserve(ns.size() + label.size() + value.size() + 2);
    return place.append(ns).append("/").append(label).append("=").append(value);
}

void Index::drop(const store::Key& key, const Record& record) {
    for (const auto& owner : record.owners) {
        const auto found = by_owner_.find(owner);
        if (found != by_owner_.end() && found->second.erase(key) && found->second.empty()) by_owner_.erase(found);
    }
    for (const auto& place : record.labels) {
        const auto found = by_label_.find(place);
        if (found != by_label_.end() && found->second.erase(key.name) && found->second.empty()) by_label_.erase(found);
    }
    if (!record.pod) return;
    const auto found = by_node_.find(record.node);
    found->second.pods.erase(key);
    found->second.used -= record.use;
    if (found->second.pods.empty()) by_node_.erase(found);
}

void Index::put(const store::Key& key, const object::Object& object) {
    const bool pod = key.resource.plural == "pods" && key.resource.group.empty();
    const auto known = records_.find(key);
    if (known != records_.end() && known->second.revision >= object.revision()) return;
    const auto& owners = object.meta()["ownerReferences"].items();
    if (known != records_.end()) drop(key, known->second);
    if (owners.empty() && !pod) {
        if (known != records_.end()) records_.erase(known);
        return;
    }
    Record record{.revision = object.revision(), .pod = pod};
    for (const auto& owner : owners) {
        record.owners.emplace_back(Ref(owner)["uid"].str());
        by_owner_[record.owners.back()].insert(key);
    }
    if (pod) {
        for (const auto& [label, value] : object.meta()["labels"].members()) {
            record.labels.push_back(label_place(key.ns, label, Ref(value).str()));
            by_label_[record.labels.back()].insert(key.name);
        }
        record.node = object["spec"]["nodeName"].str();
        if (holds_resources(Ref(object.value()))) record.use = requests_of(Ref(object.value()));
        auto& node = by_node_[record.node];
        node.pods.insert(key);
        node.used += record.use;
    }
    records_.insert_or_assign(key, std::move(record));
}

void Index::erase(const store::Key& key) {
    const auto known = records_.find(key);
    if (known == records_.end()) return;
    drop(key, known->second);
    records_.erase(known);
}

const std::set<store::Key>& Index::dependents(std::string_view uid) const {
    static const std::set<store::Key> none;
    const auto found = by_owner_.find(std::string(uid));
    return found == by_owner_.end() ? none : found->second;
}

const std::set<std::string>& Index::pods_labelled(std::string_view ns, std::string_view label,
                                                  std::string_view value) const {
    static const std::set<std::string> none;
    const auto found = by_label_.find(label_place(ns, label, value));
    return found == by_label_.end() ? none : found->second;
}

const std::set<store::Key>& Index::pods_on(std::string_view node) const {
    static const std::set<store::Key> none;
    const auto found = by_node_.find(node);
    return found == by_node_.end() ? none : found->second.pods;
}

PodUse Index::used_on(std::string_view node) const {
    const auto found = by_node_.find(node);
    return found == by_node_.end() ? PodUse{} : found->second.used;
}

}  // namespace engine
