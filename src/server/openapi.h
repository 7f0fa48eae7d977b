// The API described for clients: /openapi/v3 with one document a group version (kubectl validates, explains and picks
// patches by it), and /openapi/v2 in its smallest protobuf form for older clients. Made from the kinds' messages at
// first request and kept.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "server/call.h"
#include "server/discovery.h"
#include "server/document.h"

namespace server {

struct Core;

class OpenApi {
 public:
    explicit OpenApi(Discovery& discovery) : discovery_(discovery) {}
    /// {paths: {"api/v1": {serverRelativeURL}}}
    const Document& index();
    /// By path as in the index; null when there is none.
    const Document* v3(std::string_view path);
    const Document& v2_protobuf();
    const Document& v2_json();

 private:
    std::vector<std::string> names();
    Discovery& discovery_;
    Document index_, v2_protobuf_, v2_json_;
    std::map<std::string, Document, std::less<>> v3_;
};

void show_openapi_v3(Core& core, Call call);
void show_openapi_v2(Core& core, Call call);

}  // namespace server
