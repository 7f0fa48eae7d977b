// Giving answers: headers that every answer carries, Status errors, and waiting until what is shown is durable.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "server/call.h"
#include "server/core.h"

namespace server {

using Text = std::shared_ptr<const std::string>;

/// Cache-Control, Content-Type and the call's warnings.
http::Headers headers_of(const Call& call, std::string_view content_type);
void send_text(Call call, int status, Text body, std::string_view content_type);
void send_text(Call call, int status, std::string body, std::string_view content_type);
/// As JSON, or as YAML when that was asked for.
void send_json(Call call, int status, const json::object& body);
void send_error(Call call, const base::Error& error);
/// `body` is JSON text; it is turned into YAML when that was asked for.
void send_body(Call call, int status, Text body);
/// The same once `revision` is durable.
void send_durable(Core& core, Call call, store::Revision revision, int status, Text body);

/// One object in the form asked for. `kind` decides the version shown.
void send_object(Core& core, Call call, int status, const object::Kind& kind, const object::ObjectPtr& object);
/// After a write: waits for everything written so far.
void send_written(Core& core, Call call, int status, const object::Kind& kind, const object::ObjectPtr& object);

}  // namespace server
