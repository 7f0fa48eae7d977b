// Log-ins and their refresh tokens. A refresh token works once and is replaced; only its SHA-256 is kept. When a used
// one comes again after the grace, somebody has a copy: the whole session ends.
#pragma once

#include "auth/accounts.h"

namespace auth {

struct SessionRules {
    run::Duration refresh_ttl = std::chrono::hours(24 * 14);
    run::Duration session_ttl = std::chrono::hours(24 * 90);
    run::Duration grace = std::chrono::seconds(10);
};

/// Where a log-in came from, as its owner sees it in the list.
struct Origin {
    std::string agent;
    std::string address;
};

/// What a client holds of its session.
struct Hold {
    User user;
    std::string session;
    std::string csrf;     ///< the same for as long as the session lasts
    std::string refresh;  ///< a secret
    std::int64_t refresh_expires = 0;
};

struct SessionInfo {
    std::string id;
    Origin origin;
    std::int64_t created_at = 0;
    std::int64_t used_at = 0;
    std::int64_t expires_at = 0;
};

class Sessions {
 public:
    /// Beyond it the one that rested longest ends.
    static constexpr std::int64_t per_user_max = 50;

    Sessions(kit::db::Database& database, const run::Clock& clock, kit::Log& log, SessionRules rules)
        : database_(database), clock_(clock), log_(log), rules_(rules) {}

    void open(const User& user, const Origin& origin, Answer<Hold> answer);
    /// `unauthorized` for tokens that are unknown, expired or used up.
    void renew(const std::string& refresh, Answer<Hold> answer);
    /// Each of these does nothing when there is no such session.
    void end(const std::string& user_id, const std::string& session, Answer<void> answer);
    void end_of_token(const std::string& refresh, Answer<void> answer);
    void end_others(const std::string& user_id, const std::string& session, Answer<void> answer);
    /// Open ones, last used first.
    void list(const std::string& user_id, Answer<std::vector<SessionInfo>> answer);
    /// Forgets what has been over for a day.
    void clean(Answer<void> answer);

 private:
    kit::db::Database& database_;
    const run::Clock& clock_;
    kit::Log& log_;
    SessionRules rules_;
};

}  // namespace auth
