// /docs: the service's /openapi.json as a page to read and try, from the files that a build put into a folder. It asks
// nobody but this service, also without the internet, and below a proxy's path.
#pragma once

#include <string>

#include "kit/app.h"

namespace kit {

void serve_docs(App& app, const std::string& folder);

}  // namespace kit
