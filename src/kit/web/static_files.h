// A folder's files as pages: found at start, read when asked for, with types, ETags, caching and gzip. Only what was
// found is served, so that no address leads out of the folder.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "kit/web/router.h"

namespace kit {

struct StaticFiles {
    std::string folder;
    std::string at = "/";              ///< the address of its top
    std::string front = "index.html";  ///< what the address of a folder means
    /// The page for addresses of no file, for pages that find their way themselves; "": 404. Addresses whose last
    /// part has a dot are files, and never that page.
    std::string fallback;
    std::string forever = "assets/";  ///< files under it change their names with their content; "": none
    http::Headers headers;            ///< in each answer: Content-Security-Policy, ...
};

/// GET (and HEAD) for all below `at`; closer routes go first. An Error names a folder that cannot be read.
base::Result<void> serve_files(Router& router, StaticFiles options);

}  // namespace kit
