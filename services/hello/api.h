// The routes: JSON in the shapes of a small demo application, and a page for who asks with a browser.
#pragma once

#include <string>

#include "hello/stores.h"
#include "kit/app.h"

namespace hello {

void add_routes(kit::App& app, Pairs& pairs, Visitors& visitors, std::string host);

}  // namespace hello
