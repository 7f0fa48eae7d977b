// Look-ups in messages and kinds.
#include "object/schema.h"

#include <algorithm>

namespace object {

const Field* Message::find(std::string_view json_name) const {
    for (const auto& field : fields) {
        if (!field.inlined) {
            if (field.name == json_name) return &field;
        } else if (const auto* inner = field.message->find(json_name)) {
            return inner;
        }
    }
    return nullptr;
}

bool Kind::has_subresource(std::string_view wanted) const {
    return std::ranges::any_of(subresources, [&](const Subresource& s) { return s.name == wanted; });
}

bool Kind::has_verb(std::string_view verb) const { return std::ranges::find(verbs, verb) != verbs.end(); }

std::string Kind::api_version() const {
    if (group.empty()) return std::string(version);
    std::string out(group);
    out += '/';
    return out += version;
}

std::string Kind::qualified() const {
    std::string out(plural);
    if (!group.empty()) (out += '.') += group;
    return out;
}

}  // namespace object
