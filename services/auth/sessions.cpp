#include "auth/sessions.h"

#include <algorithm>

#include "kit/auth/secrets.h"
#include "kit/db/due_work.h"
#include "kit/db/statements.h"

namespace auth {
namespace {

using kit::db::milliseconds;
using kit::db::Rows;
using kit::db::Session;
using kit::db::without_rows;

constexpr auto insert_session = R"sql(
INSERT INTO sessions (id, user_id, csrf, agent, address, created_at, used_at, expires_at, ended_at)
VALUES ($1, $2, $3, $4, $5, $6, $6, $7, 0))sql";
constexpr auto insert_token =
    "INSERT INTO refresh_tokens (digest, session_id, expires_at, used_at) VALUES ($1, $2, $3, 0)";
constexpr auto end_oldest = R"sql(
UPDATE sessions SET ended_at = $2 WHERE ended_at = 0 AND user_id = $1 AND id <> $4 AND id NOT IN
    (SELECT id FROM sessions WHERE user_id = $1 AND ended_at = 0 AND id <> $4
     ORDER BY used_at DESC, id DESC LIMIT $3))sql";
constexpr auto select_token = R"sql(
SELECT u.id, u.login, u.name, u.roles, u.wants_dealer, u.created_at, u.revision,
    s.id, s.csrf, s.expires_at, s.ended_at, t.expires_at, t.used_at
FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id JOIN users u ON u.id = s.user_id WHERE t.digest = $1)sql";
constexpr auto use_token = "UPDATE refresh_tokens SET used_at = $2 WHERE digest = $1 AND used_at = 0 RETURNING digest";
constexpr auto touch_session = "UPDATE sessions SET used_at = $2 WHERE id = $1";
constexpr auto end_session = "UPDATE sessions SET ended_at = $3 WHERE id = $1 AND user_id = $2 AND ended_at = 0";
constexpr auto end_session_of_token = R"sql(
UPDATE sessions SET ended_at = $2 WHERE ended_at = 0 AND id =
    (SELECT session_id FROM refresh_tokens WHERE digest = $1))sql";
constexpr auto end_other_sessions =
    "UPDATE sessions SET ended_at = $3 WHERE user_id = $1 AND id <> $2 AND ended_at = 0";
constexpr auto select_sessions = R"sql(
SELECT id, agent, address, created_at, used_at, expires_at FROM sessions
WHERE user_id = $1 AND ended_at = 0 AND expires_at > $2 ORDER BY used_at DESC, id DESC LIMIT $3)sql";
constexpr auto forget_tokens = R"sql(
DELETE FROM refresh_tokens WHERE expires_at < $1 OR session_id IN
    (SELECT id FROM sessions WHERE expires_at < $1 OR (ended_at > 0 AND ended_at < $1)))sql";
constexpr auto forget_sessions = R"sql(
DELETE FROM sessions WHERE (expires_at < $1 OR (ended_at > 0 AND ended_at < $1))
    AND NOT EXISTS (SELECT 1 FROM refresh_tokens t WHERE t.session_id = sessions.id))sql";

constexpr std::size_t agent_max = 200;
constexpr auto kept = std::chrono::hours(24);

std::string digest_of(std::string_view refresh) { return kit::auth::base64url(kit::auth::sha256(refresh)); }
std::string text(std::int64_t number) { return std::to_string(number); }

/// No half of a character at the end, and nothing that a database would refuse.
std::string agent_of(std::string_view agent) {
    std::string made;
    for (const char c : agent.substr(0, agent_max)) made += c >= ' ' && c < 0x7f ? c : '?';
    return made;
}

}  // namespace

void Sessions::open(const User& user, const Origin& origin, Answer<Hold> answer) {
    const auto now = clock_.now();
    const auto expires = milliseconds(now + rules_.session_ttl);
    Hold hold{.user = user,
              .session = kit::auth::time_uuid(now),
              .csrf = kit::auth::random_token(18),
              .refresh = kit::auth::random_token(),
              .refresh_expires = std::min(expires, milliseconds(now + rules_.refresh_ttl))};
    std::vector<kit::db::Statement> statements;
    statements.push_back({insert_session,
                          {hold.session, user.id, hold.csrf, agent_of(origin.agent), origin.address,
                           text(milliseconds(now)), text(expires)}});
    statements.push_back({insert_token, {digest_of(hold.refresh), hold.session, text(hold.refresh_expires)}});
    statements.push_back({end_oldest, {user.id, text(milliseconds(now)), text(per_user_max - 1), hold.session}});
    auto opened = [hold = std::move(hold), answer = std::move(answer)](base::Result<void> done) mutable {
        if (!done) return answer(std::unexpected(std::move(done).error()));
        answer(std::move(hold));
    };
    kit::db::run_all(database_, std::move(statements), std::move(opened));
}

namespace {

/// Using up one refresh token, within one transaction. What is refused is told by `why`, not by an Error: the end of
/// the session must be committed.
struct Renewal : std::enable_shared_from_this<Renewal> {
    SessionRules rules;
    std::int64_t now = 0;
    std::string digest;
    Hold hold;
    std::string why;  ///< refused
    bool reused = false;

    void run(Session& session, kit::db::Done done) {
        session.run(select_token, {digest},
                    [self = shared_from_this(), &session, done = std::move(done)](base::Result<Rows> rows) mutable {
                        if (!rows) return done(std::unexpected(std::move(rows).error()));
                        self->found(session, *rows, std::move(done));
                    });
    }

 private:
    void found(Session& session, const Rows& rows, kit::db::Done done) {
        if (rows.empty()) return refuse("the refresh token is not known", std::move(done));
        hold.user = user_in(rows, 0);
        hold.session = std::string(rows.text(0, 7));
        hold.csrf = std::string(rows.text(0, 8));
        const auto session_expires = rows.number(0, 9);
        if (rows.number(0, 10) > 0) return refuse("the session has ended", std::move(done));
        if (now >= session_expires || now >= rows.number(0, 11))
            return refuse("the refresh token has expired", std::move(done));
        hold.refresh_expires = std::min(session_expires, now + rules.refresh_ttl / std::chrono::milliseconds(1));
        if (const auto used = rows.number(0, 12); used > 0) return used_before(session, used, std::move(done));
        session.run(use_token, {digest, text(now)},
                    [self = shared_from_this(), &session, done = std::move(done)](base::Result<Rows> won) mutable {
                        if (!won) return done(std::unexpected(std::move(won).error()));
                        // Another request was faster by a moment: it used the token just now.
                        if (won->empty()) return self->used_before(session, self->now, std::move(done));
                        self->replace(session, std::move(done));
                    });
    }

    void used_before(Session& session, std::int64_t used, kit::db::Done done) {
        if (rules.grace > run::Duration::zero() && now - used <= rules.grace / std::chrono::milliseconds(1))
            return replace(session, std::move(done));
        reused = true;
        why = "the refresh token was used before; the session has ended";
        std::vector<kit::db::Statement> statements;
        statements.push_back({end_session, {hold.session, hold.user.id, text(now)}});
        kit::db::run_all(session, std::move(statements), std::move(done));
    }

    void replace(Session& session, kit::db::Done done) {
        hold.refresh = kit::auth::random_token();
        std::vector<kit::db::Statement> statements;
        statements.push_back({insert_token, {digest_of(hold.refresh), hold.session, text(hold.refresh_expires)}});
        statements.push_back({touch_session, {hold.session, text(now)}});
        kit::db::run_all(session, std::move(statements), std::move(done));
    }

    void refuse(std::string reason, kit::db::Done done) {
        why = std::move(reason);
        done({});
    }
};

}  // namespace

void Sessions::renew(const std::string& refresh, Answer<Hold> answer) {
    auto renewal = std::make_shared<Renewal>();
    renewal->rules = rules_;
    renewal->now = milliseconds(clock_.now());
    renewal->digest = digest_of(refresh);
    database_.transact([renewal](Session& session, kit::db::Done done) { renewal->run(session, std::move(done)); },
                       [this, renewal, answer = std::move(answer)](base::Result<void> done) mutable {
                           if (!done) return answer(std::unexpected(std::move(done).error()));
                           if (renewal->reused)
                               log_.warn("a refresh token came twice: its session has ended",
                                         {{"user", renewal->hold.user.id}, {"session", renewal->hold.session}});
                           if (!renewal->why.empty())
                               return answer(base::fail(base::Code::unauthorized, std::move(renewal->why)));
                           answer(std::move(renewal->hold));
                       });
}

void Sessions::end(const std::string& user_id, const std::string& session, Answer<void> answer) {
    database_.run(end_session, {session, user_id, text(milliseconds(clock_.now()))}, without_rows(std::move(answer)));
}

void Sessions::end_of_token(const std::string& refresh, Answer<void> answer) {
    database_.run(end_session_of_token, {digest_of(refresh), text(milliseconds(clock_.now()))},
                  without_rows(std::move(answer)));
}

void Sessions::end_others(const std::string& user_id, const std::string& session, Answer<void> answer) {
    database_.run(end_other_sessions, {user_id, session, text(milliseconds(clock_.now()))},
                  without_rows(std::move(answer)));
}

void Sessions::list(const std::string& user_id, Answer<std::vector<SessionInfo>> answer) {
    database_.run(select_sessions, {user_id, text(milliseconds(clock_.now())), text(per_user_max)},
                  [answer = std::move(answer)](base::Result<Rows> rows) mutable {
                      if (!rows) return answer(std::unexpected(std::move(rows).error()));
                      std::vector<SessionInfo> infos;
                      for (std::size_t row = 0; row < rows->size(); ++row) {
                          infos.push_back({.id = std::string(rows->text(row, 0)),
                                           .origin = {std::string(rows->text(row, 1)), std::string(rows->text(row, 2))},
                                           .created_at = rows->number(row, 3),
                                           .used_at = rows->number(row, 4),
                                           .expires_at = rows->number(row, 5)});
                      }
                      answer(std::move(infos));
                  });
}

void Sessions::clean(Answer<void> answer) {
    const auto limit = text(milliseconds(clock_.now() - kept));
    std::vector<kit::db::Statement> statements;
    statements.push_back({forget_tokens, {limit}});
    statements.push_back({forget_sessions, {limit}});
    kit::db::run_all(database_, std::move(statements), std::move(answer));
}

}  // namespace auth
