#include "kit/web/entity_tag.h"

#include <fmt/format.h>

#include "kit/whole.h"

namespace kit {

std::string entity_tag(std::string_view id, std::int64_t revision) { return fmt::format("\"{}-{}\"", id, revision); }

base::Result<std::optional<std::int64_t>> revision_wanted(const Call& call, std::string_view id,
                                                          std::string_view what) {
    const auto tag = call.request().headers.get("If-Match");
    if (tag.empty() || tag == "*") return std::nullopt;
    const auto front = fmt::format("\"{}-", id);
    if (tag.starts_with(front) && tag.ends_with('"')) {
        if (const auto revision = whole(tag.substr(front.size(), tag.size() - front.size() - 1))) return revision;
    }
    return base::fail(base::Code::expired, fmt::format("If-Match {} is no tag of this {}'s present state", tag, what));
}

}  // namespace kit
