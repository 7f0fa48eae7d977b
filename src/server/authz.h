// Who may do what: the RBAC objects in the store, and a few rights that everybody has (health, version, and, once
// known by name, discovery and questions about oneself). system:masters may all.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "server/call.h"
#include "store/store.h"

namespace server {

/// What somebody wants to do: to a resource, or to a path when `resource` is empty.
struct Deed {
    std::string verb;
    std::string group, resource, subresource, ns, name;
    std::string path;
};

class Rbac {
 public:
    explicit Rbac(const store::Store& store) : store_(store) {}
    bool allows(const User& user, const Deed& deed) const;
    /// Every rule (as in Role.rules) that gives `user` something in `ns`, cluster-wide ones included.
    void each_rule(const User& user, std::string_view ns, const std::function<void(object::Ref rule)>& seen) const;

 private:
    bool bound(object::Ref binding, std::string_view ns, const User& user) const;
    object::ObjectPtr role(object::Ref binding, std::string_view ns) const;
    const store::Store& store_;
};

/// The right that a call needs.
Deed deed_of(const Call& call);
/// Code::forbidden in upstream's words.
base::Error forbidden(const User& user, const Deed& deed);

}  // namespace server
