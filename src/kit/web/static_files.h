// A folder's files as pages: found at start, read when asked for, with types, ETags, caching and gzip. Only what was
// found is served, so that no address leads out of the folder.
#pragma once

#include <map>
#include <memory>
#include <string>

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

/// The files, for who has routes of its own for them.
class FileShelf {
 public:
    explicit FileShelf(StaticFiles options) : options_(std::move(options)) {}
    /// Finds the files; an Error names a folder that cannot be read.
    base::Result<void> fill();
    /// `name` below the folder, decoded; "" is its front.
    void answer(Call call, const std::string& name);

 private:
    struct File {
        std::string path;
        bool has_gz = false;  ///< the same in gzip lies beside it, as x.js.gz
        std::string kept_tag;
        std::shared_ptr<const std::string> kept_gzip;
    };
    File* find(std::string_view name);
    std::shared_ptr<const std::string> packed_body(File& file, const std::string& tag);

    StaticFiles options_;
    std::map<std::string, File, std::less<>> files_;
    std::size_t kept_bytes_ = 0;
};

/// GET (and HEAD) for all below `at`; closer routes go first. An Error names a folder that cannot be read.
base::Result<void> serve_files(Router& router, StaticFiles options);

}  // namespace kit
