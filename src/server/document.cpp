#include "server/document.h"

#include <fmt/format.h>

namespace server {

Document Document::of(std::string text) {
    std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a: equal texts on equal hashes is all that is asked of it
    for (const unsigned char c : text) hash = (hash ^ c) * 1099511628211ULL;
    return {std::make_shared<const std::string>(std::move(text)), fmt::format("{:016X}", hash)};
}

bool unchanged(std::string_view if_none_match, const Document& document) {
    return if_none_match == "*" || if_none_match.find("\"" + document.hash + "\"") != if_none_match.npos;
}

}  // namespace server
