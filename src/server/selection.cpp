#include "server/selection.h"

#include <fmt/format.h>

#include <algorithm>

#include "kinds/convert.h"
#include "kinds/rules.h"

namespace server {

using base::Code;

namespace {

bool selectable(const object::Kind& kind, std::string_view path) {
    return path == "metadata.name" || path == "metadata.namespace" ||
           std::ranges::find(kind.field_selectors, path) != kind.field_selectors.end();
}

}  // namespace

base::Result<Selection> Selection::of(const Call& call) {
    Selection selection;
    selection.kind_ = call.place.kind;
    selection.ns_ = call.place.ns;
    auto labels = object::LabelSelector::parse(call.query.get("labelSelector"));
    if (!labels)
        return base::fail(Code::bad_request,
                          fmt::format("unable to parse requirement in the labelSelector: {}", labels.error().message));
    selection.labels_ = std::move(*labels);
    selection.fields_ = TRY(object::parse_field_selector(call.query.get("fieldSelector")));
    for (const auto& field : selection.fields_)
        if (!selectable(*call.place.kind, field.path))
            return base::fail(Code::bad_request, fmt::format("field label not supported: {}", field.path));
    if (call.place.watch && !call.place.name.empty())
        selection.fields_.push_back({.path = "metadata.name", .value = call.place.name, .equal = true});
    return selection;
}

std::vector<object::ObjectPtr> Selection::candidates(const store::Store& store, const store::Resource& resource) const {
    const auto named = std::ranges::find_if(
        fields_, [](const object::FieldRequirement& field) { return field.path == "metadata.name" && field.equal; });
    if (named == fields_.end() || (kind_->namespaced() && ns_.empty())) return store.list(resource, ns_);
    auto object = store.get({resource, ns_, named->value});
    return object ? std::vector{std::move(object)} : std::vector<object::ObjectPtr>{};
}

bool Selection::matches(const object::Object& object) const {
    if (!labels_.selects_everything() && !labels_.matches(object.meta()["labels"])) return false;
    if (fields_.empty()) return true;
    const bool as_stored = &kinds::stored_as(*kind_) == kind_;
    const auto other = as_stored ? json::object{} : kinds::converted(*kind_, object.value());
    const auto& shown = as_stored ? object.value() : other;
    return std::ranges::all_of(fields_, [&](const object::FieldRequirement& field) {
        const bool same = field.path == "metadata.name" ? object.name() == field.value
                                                        : kinds::selectable(*kind_, shown, field.path) == field.value;
        return same == field.equal;
    });
}

}  // namespace server
