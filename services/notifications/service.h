// What the service is: its settings and how it is put together.
#pragma once

#include "kit/app.h"

namespace notifications {

struct Settings {
    kit::Setting<kit::DatabaseUrl> database{
        "database-url", "Where notifications are kept: sqlite:PATH or postgres://user:password@host:port/name.",
        "sqlite:notifications.db"};
    kit::Setting<kit::RedisUrl> redis{
        "redis-url", "Where events come from: redis://[:password@]host:port; empty: only by POST /events.", ""};
    kit::Setting<std::string> jwks{"jwks-url", "Where the keys of logins are.", ""};
    kit::Setting<kit::Secret> service_token{"service-token", "What services show each other.", ""};
    kit::Setting<std::string> open_demo{
        "open-demo", "Whether anybody may POST /notify: on, off, or auto (on SQLite); never by mail then.", "auto"};
    kit::Setting<kit::Secret> smtp{"smtp-url",
                                   "The mail server: smtp://[user:password@]host[:port][?starttls=required|never] or "
                                   "smtps://...; empty: no mail, a line in the log instead.",
                                   ""};
    kit::Setting<std::string> mail_from{"mail-from", "Whom mails are from.", "Slipway <noreply@localhost>"};
    kit::Setting<std::string> mail_ca{"mail-ca-file", "Who signs the mail server; empty: the system's list.", ""};
    kit::Setting<std::string> webhook{"webhook-url", "Where events are posted to; empty: nowhere.", ""};
    kit::Setting<kit::Secret> webhook_secret{"webhook-secret", "What webhooks are signed with.", ""};
    kit::Setting<std::string> webhook_types{"webhook-types", "Which events are posted: type, type.*, with commas.",
                                            "order.*"};
    kit::Setting<std::string> templates{"templates", "A folder of TYPE.txt and TYPE.html in place of what is built in.",
                                        ""};
    kit::Setting<std::string> site{"site-url", "Where people read on: the start of links in messages.",
                                   "http://localhost:8080"};
    kit::Setting<std::int64_t> attempts{"attempts", "How often a delivery is tried before it is a dead letter.", "10"};
    kit::Setting<std::chrono::milliseconds> again{"try-again", "The wait after a first failure; it doubles.", "1s"};
    kit::Setting<std::chrono::milliseconds> lease{
        "lease", "After how long a delivery that somebody began and left is taken up by another.", "30s"};
    kit::Setting<std::string> unsure{
        "when-unsure",
        "What is done with a delivery whose sender died: send (again, under the same Message-ID) or hold (a dead "
        "letter).",
        "send"};
    kit::Setting<std::chrono::milliseconds> keep{"keep", "How long what was sent is remembered.", "720h"};
    kit::Setting<std::string> crash_at{"slipway-crash-at", "For tests: SITE:N dies at the Nth passage of a fault site.",
                                       ""};
};

void assemble(kit::App& app, const Settings& settings);

}  // namespace notifications
