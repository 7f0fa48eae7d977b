// A service's own pages from a folder that a build made, under the strictest rules: nothing but our own files may run,
// be shown or be asked, and nobody may frame us.
#pragma once

#include <string>

#include "kit/app.h"

namespace kit {

http::Headers strict_headers();
/// Pages that find their way themselves (every address that is no file's is index.html). While the folder has none, a
/// page says how to make them.
void serve_pages(App& app, const std::string& folder);

}  // namespace kit
