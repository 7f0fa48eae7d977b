// What is answered without knowing any object: health, version, the list of paths, the issuer of tokens.
#pragma once

#include "server/call.h"

namespace server {

struct Core;

void show_paths(Core& core, Call call);
void show_version(Core& core, Call call);
/// /healthz, /livez, /readyz, each with its single checks below and ?verbose, ?exclude.
void show_health(Core& core, Call call);
void show_openid_configuration(Core& core, Call call);
void show_key_set(Core& core, Call call);

}  // namespace server
