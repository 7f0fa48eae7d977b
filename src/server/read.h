// GET of one object, LIST, and the opening of watches.
#pragma once

#include "server/core.h"
#include "server/list_options.h"
#include "server/selection.h"

namespace server {

void get_object(Core& core, Call call);
/// GET of a collection: a list, or a watch when ?watch is given.
void list_or_watch(Core& core, Call call);
void open_watch(Core& core, Call call);

/// A typed list's text: {kind, apiVersion, metadata, items}, items without kind and apiVersion.
std::string list_text(const object::Kind& kind, const std::vector<object::ObjectPtr>& objects, const ListMeta& meta);
/// The list in the form asked for; waits until its revision is durable.
void send_list(Core& core, Call call, const std::vector<object::ObjectPtr>& objects, const ListMeta& meta);

}  // namespace server
