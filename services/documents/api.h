// The routes: a greeting with the time, and the documents of who is logged in.
#pragma once

#include "documents/store.h"

namespace documents {

void add_routes(kit::App& app, DocumentStore& store);

}  // namespace documents
