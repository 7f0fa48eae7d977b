// Versions of one object: which form of a kind is stored, and the object in another version's form. Pure renaming;
// what one form cannot say is not invented.
#pragma once

#include "object/json.h"
#include "object/schema.h"

namespace kinds {

namespace json = object::json;

/// The kind in whose form (and under whose resource) the objects of `kind` are stored: mostly `kind` itself.
const object::Kind& stored_as(const object::Kind& kind);

/// The object in the form of `kind`, with its apiVersion and kind; the same object when it has that form already.
object::ObjectPtr as_kind(const object::Kind& kind, const object::ObjectPtr& object);
json::object converted(const object::Kind& kind, json::object object);

}  // namespace kinds
