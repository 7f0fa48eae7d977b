// What a reconciler may read: the store as it is now, through indexes. No reads grow with the whole cluster.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/index.h"
#include "object/json.h"
#include "object/selector.h"
#include "store/store.h"

namespace engine {

using object::ObjectPtr;
using store::Resource;

class View {
 public:
    View(const store::Store& store, const Index& index) : store_(store), index_(index) {}

    /// Null when there is none.
    ObjectPtr get(const store::Key& key) const { return store_.get(key); }
    std::vector<ObjectPtr> list(const Resource& resource, std::string_view ns = {}) const {
        return store_.list(resource, ns);
    }
    /// Objects of that resource whose controlling ownerReference is `uid`, in order of name.
    std::vector<ObjectPtr> owned_by(const Resource& resource, std::string_view uid) const;
    /// Everything that names `uid` among its ownerReferences, with its key.
    std::vector<std::pair<store::Key, ObjectPtr>> dependents(std::string_view uid) const;
    /// Pods of a namespace that match, in order of name.
    std::vector<ObjectPtr> pods(std::string_view ns, const object::LabelSelector& selector) const;
    /// Pods bound to `node`, "" for those that are bound to none.
    std::vector<ObjectPtr> pods_on(std::string_view node) const;
    PodUse used_on(std::string_view node) const { return index_.used_on(node); }

 private:
    const store::Store& store_;
    const Index& index_;
};

/// The ownerReference with controller: true; missing when there is none.
object::Ref controller_of(const object::Object& object);

}  // namespace engine
