// Which objects of a kind are meant: namespace, labelSelector, fieldSelector.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "object/json.h"
#include "object/schema.h"
#include "object/selector.h"
#include "server/call.h"
#include "store/store.h"

namespace server {

class Selection {
 public:
    /// Code::bad_request for bad syntax and for fields that the kind does not select by.
    static base::Result<Selection> of(const Call& call);

    /// Labels and fields; the namespace is the caller's to compare.
    bool matches(const object::Object& object) const;
    bool everything() const { return labels_.selects_everything() && fields_.empty(); }
    const std::string& ns() const { return ns_; }
    /// What of a resource may match: everything in the namespace, or the one object when the selection names it (as
    /// clients do that wait for one object), which spares walking the rest.
    std::vector<object::ObjectPtr> candidates(const store::Store& store, const store::Resource& resource) const;

 private:
    const object::Kind* kind_ = nullptr;
    std::string ns_;
    object::LabelSelector labels_;
    std::vector<object::FieldRequirement> fields_;
};

}  // namespace server
