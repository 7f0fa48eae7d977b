// Request bodies: JSON, YAML or protobuf by Content-Type, with kind and version compared with what the path expects.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "object/schema.h"
#include "server/call.h"

namespace server {

/// What a path takes. A body without kind or apiVersion is taken for it.
struct Expected {
    std::string api_version, kind;
    const object::Message* message = nullptr;
    bool any_version = false;  ///< DeleteOptions come in every group's version
    static Expected of(const object::Kind& kind);
    /// A message that is no resource of its own, e.g. {"meta/v1", "DeleteOptions"}.
    static Expected of(std::string_view api_version, std::string_view message_group, std::string_view name);
};

struct Body {
    json::object object;  ///< with kind and apiVersion as expected
    std::vector<std::string> duplicates;
};

/// Code::unsupported_media_type, Code::bad_request when it cannot be read or is of another kind or version.
base::Result<Body> decode_body(const http::Request& request, const Expected& expected);
/// As above for a body that may be missing: then just kind and apiVersion.
base::Result<Body> decode_optional_body(const http::Request& request, const Expected& expected);

}  // namespace server
