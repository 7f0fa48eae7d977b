#include "server/place.h"

#include "kinds/registry.h"

namespace server {

namespace {

std::optional<std::vector<std::string>> segments_of(std::string_view path) {
    std::vector<std::string> segments;
    while (!path.empty()) {
        if (path.front() == '/') {
            path.remove_prefix(1);
            continue;
        }
        const auto end = std::min(path.find('/'), path.size());
        auto segment = http::percent_decode(path.substr(0, end));
        if (!segment) return std::nullopt;
        segments.push_back(std::move(*segment));
        path.remove_prefix(end);
    }
    return segments;
}

std::string behind_segments(std::string_view path, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        const auto slash = path.find('/', 1);
        if (slash == path.npos) return "";
        path.remove_prefix(slash);
    }
    return std::string(path);
}

/// namespaces/<ns>/<resource>... sets a namespace; namespaces/<ns>[/status|/finalize] is the Namespace itself.
std::size_t take_namespace(const std::vector<std::string>& parts, std::size_t at, Place& place) {
    if (parts.size() <= at + 2 || parts[at] != "namespaces") return at;
    const auto& next = parts[at + 2];
    if (place.group.empty() && (next == "status" || next == "finalize")) return at;
    place.ns = parts[at + 1];
    return at + 2;
}

}  // namespace

std::optional<Place> parse_place(std::string_view path) {
    const auto found = segments_of(path);
    if (!found) return std::nullopt;
    const auto& parts = *found;
    Place place;
    std::size_t at = 0;
    if (parts.size() > 2 && parts[0] == "api") {
        place.version = parts[1];
        at = 2;
    } else if (parts.size() > 3 && parts[0] == "apis") {
        place.group = parts[1];
        place.version = parts[2];
        at = 3;
    } else {
        return std::nullopt;
    }
    if (parts[at] == "watch" && parts.size() > at + 1) {
        place.watch = true;
        ++at;
    }
    at = take_namespace(parts, at, place);
    place.plural = parts[at];
    if (parts.size() > at + 1) place.name = parts[at + 1];
    if (parts.size() > at + 2) place.subresource = parts[at + 2];
    if (place.subresource == "proxy")
        place.rest = behind_segments(path, at + 3);
    else if (parts.size() > at + 3)
        return place;  // deeper than anything served: no kind
    place.kind = kinds::by_resource(place.group, place.version, place.plural);
    if (!place.kind) return place;
    const bool wants_namespace = place.kind->namespaced();
    if (!place.ns.empty() && !wants_namespace) place.kind = nullptr;
    if (place.kind && wants_namespace && place.ns.empty() && !place.name.empty()) place.kind = nullptr;
    return place;
}

}  // namespace server
