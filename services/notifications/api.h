// The routes of notifications: what services send, what users see of theirs, what admins watch.
#pragma once

#include "kit/app.h"
#include "notifications/feed.h"
#include "notifications/intake.h"

namespace notifications {

/// What the routes stand on; all outlive them.
struct Parts {
    Ledger& ledger;
    Intake& intake;
    Dispatcher& dispatcher;
    Feed& feed;
    const Templates& templates;
};

/// Whether anybody may POST /notify, as clients of small demo applications do.
enum class OpenDemo : std::uint8_t { off, on };

void add_routes(kit::App& app, Parts parts, OpenDemo open_demo);
/// Dead letters, deliveries and previews of templates.
void add_admin_routes(kit::App& app, Parts parts);

/// ?page= and ?per_page=, or what is wrong with them.
base::Result<Page> page_of(const kit::Call& call);

}  // namespace notifications
