// The texts in which objects are shown: whole, as an item of a typed list (without apiVersion and kind), and as
// metadata alone. Built from the text that every stored object keeps, without serialising again.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "object/json.h"
#include "object/schema.h"

namespace server {

using Text = std::shared_ptr<const std::string>;

/// The object as `kind`'s version shows it; the stored one itself when its version is that one.
object::ObjectPtr as_kind(const object::Kind& kind, const object::ObjectPtr& object);
Text text_as(const object::Kind& kind, const object::ObjectPtr& object);

/// Appends list items of one kind to a buffer.
class ItemWriter {
 public:
    explicit ItemWriter(const object::Kind& kind);
    /// Upper bound of what append() adds, for reserving.
    std::size_t size_of(const object::Object& object) const { return object.text()->size(); }
    void append(std::string& out, const object::ObjectPtr& object) const;

 private:
    const object::Kind& kind_;
    std::string api_version_;
    std::string prefix_;  ///< what a stored text of this version begins with
};

/// {kind: PartialObjectMetadata, apiVersion: meta.k8s.io/<version>, metadata}
std::string partial_text(const object::Object& object, std::string_view version);

/// `{"resourceVersion":"N"[,"continue":...][,"remainingItemCount":N]}`
struct ListMeta {
    std::int64_t revision = 0;
    std::string next;             ///< "" on the last page
    std::int64_t remaining = -1;  ///< -1: not said
    std::string text() const;
};

}  // namespace server
