// Who owns whom, which pods carry a label, which pods sit on a node: so that no reconciler reads a whole cluster.
// Rule: what an index names may be a little too much (a deletion not heard yet), never too little after a write of the
// engine itself; View checks each name against the store.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/pod_use.h"
#include "object/json.h"
#include "store/store.h"

namespace engine {

class Index {
 public:
    /// Takes in a written object; older states than the known one are ignored.
    void put(const store::Key& key, const object::Object& object);
    void erase(const store::Key& key);

    /// Keys of objects with an ownerReference to `uid`, in order.
    const std::set<store::Key>& dependents(std::string_view uid) const;
    /// Names of pods of a namespace that carry the label; in order.
    const std::set<std::string>& pods_labelled(std::string_view ns, std::string_view label,
                                               std::string_view value) const;
    /// Keys of pods bound to `node` ("" for those without one), in order.
    const std::set<store::Key>& pods_on(std::string_view node) const;
    /// What the unfinished pods bound to `node` ask for together.
    PodUse used_on(std::string_view node) const;

 private:
    struct Record {
        store::Revision revision = 0;
        std::vector<std::string> owners;
        std::vector<std::string> labels;  ///< places in by_label_, pods only
        bool pod = false;
        std::string node;
        PodUse use;
    };
    struct OnNode {
        std::set<store::Key> pods;
        PodUse used;
    };
    void drop(const store::Key& key, const Record& record);

    std::unordered_map<std::string, std::set<store::Key>> by_owner_;
    std::unordered_map<std::string, std::set<std::string>> by_label_;  ///< "ns/label=value" to names
    std::map<std::string, OnNode, std::less<>> by_node_;
    std::map<store::Key, Record> records_;  ///< pods, and objects with owners
};

}  // namespace engine
