// POST, PUT, PATCH and DELETE of objects, on their main path and on subresources that answer with the object itself.
#pragma once

#include "server/core.h"
#include "server/write_options.h"

namespace server {

void create_object(Core& core, Call call);
void update_object(Core& core, Call call);
void patch_object(Core& core, Call call);
void delete_object(Core& core, Call call);
void delete_collection(Core& core, Call call);

struct ParsedPatch {
    verbs::PatchType type = verbs::PatchType::merge;
    json::value value;
    std::vector<std::string> duplicates;
};
/// By Content-Type; Code::unsupported_media_type with empty details, Code::bad_request when unreadable.
base::Result<ParsedPatch> parse_patch(const http::Request& request);

/// Answers with what a write gave, its warnings included.
void send_result(Core& core, Call call, base::Result<verbs::Written> written);

}  // namespace server
