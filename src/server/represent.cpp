#include "server/represent.h"

#include <fmt/format.h>

#include "kinds/convert.h"

namespace server {

namespace json = object::json;

namespace {

std::string prefix_of(std::string_view kind, std::string_view api_version) {
    return fmt::format(R"({{"kind":"{}","apiVersion":"{}",)", kind, api_version);
}

}  // namespace

object::ObjectPtr as_kind(const object::Kind& kind, const object::ObjectPtr& object) {
    return kinds::as_kind(kind, object);
}

Text text_as(const object::Kind& kind, const object::ObjectPtr& object) { return as_kind(kind, object)->text(); }

ItemWriter::ItemWriter(const object::Kind& kind)
    : kind_(kind), api_version_(kind.api_version()), prefix_(prefix_of(kind.kind, api_version_)) {}

void ItemWriter::append(std::string& out, const object::ObjectPtr& object) const {
    const std::string_view text = *object->text();
    if (text.starts_with(prefix_)) {
        out += '{';
        out += text.substr(prefix_.size());
        return;
    }
    auto value = as_kind(kind_, object)->value();
    value.erase("kind");
    value.erase("apiVersion");
    out += json::serialize(value);
}

std::string partial_text(const object::Object& object, std::string_view version) {
    const auto* meta = object.meta().value();
    return fmt::format(R"({{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/{}","metadata":{}}})", version,
                       meta ? json::serialize(*meta) : "{}");
}

std::string ListMeta::text() const {
    auto out = fmt::format(R"({{"resourceVersion":"{}")", revision);
    if (!next.empty()) out += fmt::format(R"(,"continue":"{}")", next);
    if (remaining >= 0) out += fmt::format(R"(,"remainingItemCount":{})", remaining);
    return out + "}";
}

}  // namespace server
