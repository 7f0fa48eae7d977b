// Reads an image name by the grammar of registries and writes it in full.
#include "node/image_name.h"

#include <algorithm>

namespace node {
namespace {

bool lower_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

/// Path components: lower case letters and digits, separated by '.', '_', '__' or dashes.
bool good_path(std::string_view path) {
    if (path.empty()) return false;
    bool separated = true;
    for (const char c : path) {
        if (lower_alnum(c)) {
            separated = false;
        } else if (c == '/') {
            if (separated) return false;
            separated = true;
        } else if (c == '.' || c == '_' || c == '-') {
            if (separated && c != '_' && c != '-') return false;
            separated = true;
        } else {
            return false;
        }
    }
    return !separated;
}

bool good_host(std::string_view host) {
    return !host.empty() && std::ranges::all_of(host, [](char c) {
        return lower_alnum(c) || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == ':' || c == '[' || c == ']';
    });
}

bool good_tag(std::string_view tag) {
    return !tag.empty() && tag.size() <= 128 && std::ranges::all_of(tag, [](char c) {
        return lower_alnum(c) || (c >= 'A' && c <= 'Z') || c == '_' || c == '.' || c == '-';
    });
}

}  // namespace

std::string full_image_name(std::string_view name) {
    std::string_view digest, tag;
    if (const auto at = name.find('@'); at != name.npos) {
        digest = name.substr(at);
        name = name.substr(0, at);
        if (digest.find(':') == digest.npos || digest.size() < 40) return "";
    }
    const auto slash = name.rfind('/');
    if (const auto colon = name.rfind(':'); colon != name.npos && (slash == name.npos || colon > slash)) {
        tag = name.substr(colon + 1);
        name = name.substr(0, colon);
        if (!good_tag(tag)) return "";
    }
    std::string_view host = "docker.io", path = name;
    const auto first = name.find('/');
    const auto head = name.substr(0, first);
    if (first != name.npos && (head.find_first_of(".:") != head.npos || head == "localhost")) {
        host = head;
        path = name.substr(first + 1);
    }
    if (!good_host(host) || !good_path(path)) return "";
    std::string full(host);
    full += '/';
    if (host == "docker.io" && path.find('/') == path.npos) full += "library/";
    full += path;
    if (!digest.empty()) return full + std::string(digest);
    return full + ":" + std::string(tag.empty() ? "latest" : tag);
}

}  // namespace node
