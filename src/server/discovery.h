// What is served, as clients ask for it: the legacy documents of groups, versions and resources, and the aggregated
// one. Derived from the kinds alone, made at first use.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "object/schema.h"
#include "server/call.h"
#include "server/document.h"

namespace server {

struct Core;

class Discovery {
 public:
    /// The legacy document of "/api", "/apis", "/api/v1", "/apis/<g>", "/apis/<g>/<v>"; null for other paths.
    const Document* legacy(std::string_view path);
    /// The aggregated document of "/api" or "/apis".
    const Document& aggregated(std::string_view path);
    bool knows_group(std::string_view group);
    /// Every path of a discovery document, in order.
    std::vector<std::string> paths();

 private:
    void make();
    std::map<std::string, Document, std::less<>> legacy_, aggregated_;
};

/// Handler of all discovery paths.
void discover(Core& core, Call call);

}  // namespace server
