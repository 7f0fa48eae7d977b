#include "auth/accounts.h"

#include <fmt/format.h>

#include "kit/auth/secrets.h"
#include "kit/db/due_work.h"
#include "kit/db/statements.h"
#include "kit/web/events.h"

namespace auth {
namespace {

using kit::db::milliseconds;
using kit::db::Rows;
using kit::db::Session;
using kit::db::without_rows;

constexpr auto insert_user = R"sql(
INSERT INTO users (id, login, name, password, roles, wants_dealer, failures, locked_until, created_at, revision)
VALUES ($1, $2, $3, $4, $5, $6, 0, 0, $7, 1) ON CONFLICT DO NOTHING RETURNING id)sql";
constexpr auto count_miss = "UPDATE misses SET failures = failures + 1 WHERE id = 1";
constexpr auto select_user =
    "SELECT id, login, name, roles, wants_dealer, created_at, revision FROM users WHERE id = $1";
constexpr auto select_account = R"sql(
SELECT id, login, name, roles, wants_dealer, created_at, revision, password, failures, locked_until
FROM users WHERE id = $1)sql";
constexpr auto select_login = R"sql(
SELECT id, login, name, roles, wants_dealer, created_at, revision, password, failures, locked_until
FROM users WHERE login = $1)sql";
constexpr auto count_failure_of = R"sql(
UPDATE users SET locked_until = CASE WHEN failures >= $2 THEN $3 ELSE locked_until END,
    failures = CASE WHEN failures >= $2 THEN 0 ELSE failures + 1 END WHERE id = $1)sql";
constexpr auto clear_failures = "UPDATE users SET failures = 0, locked_until = 0 WHERE id = $1";
constexpr auto replace_hash = "UPDATE users SET password = $3 WHERE id = $1 AND password = $2";
constexpr auto update_password =
    "UPDATE users SET password = $2, failures = 0, locked_until = 0, revision = revision + 1 WHERE id = $1";
constexpr auto end_other_sessions =
    "UPDATE sessions SET ended_at = $3 WHERE user_id = $1 AND id <> $2 AND ended_at = 0";
constexpr auto lock_admins = "UPDATE misses SET failures = failures WHERE id = 1";
constexpr auto count_other_admins = "SELECT COUNT(*) FROM users WHERE roles LIKE '%admin%' AND id <> $1";
constexpr auto update_roles = R"sql(
UPDATE users SET roles = $2, revision = revision + 1,
    wants_dealer = CASE WHEN $2 LIKE '%dealer%' THEN 0 ELSE wants_dealer END WHERE id = $1)sql";
constexpr auto make_admin = R"sql(
UPDATE users SET roles = 'buyer,admin', revision = revision + 1
WHERE login = $1 AND NOT EXISTS (SELECT 1 FROM users WHERE roles LIKE '%admin%'))sql";
constexpr auto wished_users = R"sql(
users WHERE (login LIKE $1 ESCAPE '\' OR lower(name) LIKE $1 ESCAPE '\') AND roles LIKE $2 AND wants_dealer >= $3)sql";

base::Error no_such(const std::string& id) { return {base::Code::not_found, fmt::format("there is no user {}", id)}; }

/// A pattern for LIKE that finds the text anywhere; its wildcards are taken by the letter.
std::string pattern_of(std::string_view text) {
    std::string pattern = "%";
    for (const char c : login_of(text)) {
        if (c == '%' || c == '_' || c == '\\') pattern += '\\';
        pattern += c;
    }
    return pattern.append("%");
}

Account account_in(const Rows& rows, std::size_t row) {
    return {.user = user_in(rows, row),
            .password = std::string(rows.text(row, 7)),
            .failures = rows.number(row, 8),
            .locked_until = rows.number(row, 9)};
}

std::string user_data(const User& user) {
    std::string text;
    append_json(text, user);
    return text;
}

kit::db::Event event_of(std::string type, const User& user, std::string traceparent, run::Time now) {
    return kit::make_event(kit::auth::time_uuid(now),
                           {.type = std::move(type),
                            .source = "auth",
                            .subject = fmt::format("user/{}", user.id),
                            .user_id = user.id,
                            .email = user.email(),
                            .traceparent = std::move(traceparent),
                            .data = fmt::format(R"({{"user":{}}})", user_data(user))},
                           now);
}

}  // namespace

User user_in(const Rows& rows, std::size_t row, std::size_t column) {
    return {.id = std::string(rows.text(row, column)),
            .login = std::string(rows.text(row, column + 1)),
            .name = std::string(rows.text(row, column + 2)),
            .roles = roles_of(rows.text(row, column + 3)),
            .wants_dealer = rows.number(row, column + 4) != 0,
            .created_at = rows.number(row, column + 5),
            .revision = rows.number(row, column + 6)};
}

void Accounts::add(NewUser made, std::string traceparent, Answer<std::optional<User>> answer) {
    const auto now = clock_.now();
    const User user{.id = kit::auth::random_uuid(),
                    .login = std::move(made.login),
                    .name = std::move(made.name),
                    .roles = made.roles,
                    .wants_dealer = made.wants_dealer,
                    .created_at = milliseconds(now),
                    .revision = 1};
    auto added = std::make_shared<bool>(false);
    auto event = event_of("user.signed_up", user, std::move(traceparent), now);
    kit::db::Parameters parameters{user.id,
                                   user.login,
                                   user.name,
                                   std::move(made.password),
                                   text_of(user.roles),
                                   std::to_string(user.wants_dealer ? 1 : 0),
                                   std::to_string(user.created_at)};
    auto work = [this, added, event = std::move(event), parameters = std::move(parameters)](
                    Session& session, kit::db::Done done) mutable {
        auto told = [this, added, &session, event = std::move(event),
                     done = std::move(done)](base::Result<Rows> rows) mutable {
            if (!rows) return done(std::unexpected(std::move(rows).error()));
            *added = !rows->empty();
            if (*added) return outbox_.add(session, std::move(event), std::move(done));
            session.run(count_miss, {}, without_rows(std::move(done)));
        };
        session.run(insert_user, std::move(parameters), std::move(told));
    };
    database_.transact(std::move(work),
                       [this, added, user, answer = std::move(answer)](base::Result<void> done) mutable {
                           if (!done) return answer(std::unexpected(std::move(done).error()));
                           if (*added) outbox_.wake();
                           answer(*added ? std::optional(std::move(user)) : std::nullopt);
                       });
}

void Accounts::find(const std::string& id, Answer<User> answer) {
    database_.run(select_user, {id}, [id, answer = std::move(answer)](base::Result<Rows> rows) mutable {
        if (!rows) return answer(std::unexpected(std::move(rows).error()));
        if (rows->empty()) return answer(std::unexpected(no_such(id)));
        answer(user_in(*rows, 0));
    });
}

void Accounts::find_login(const std::string& login, Answer<std::optional<Account>> answer) {
    database_.run(select_login, {login}, [answer = std::move(answer)](base::Result<Rows> rows) mutable {
        if (!rows) return answer(std::unexpected(std::move(rows).error()));
        answer(rows->empty() ? std::nullopt : std::optional(account_in(*rows, 0)));
    });
}

void Accounts::find_account(const std::string& id, Answer<Account> answer) {
    database_.run(select_account, {id}, [id, answer = std::move(answer)](base::Result<Rows> rows) mutable {
        if (!rows) return answer(std::unexpected(std::move(rows).error()));
        if (rows->empty()) return answer(std::unexpected(no_such(id)));
        answer(account_in(*rows, 0));
    });
}

bool Accounts::locked(const Account& account) const { return milliseconds(clock_.now()) < account.locked_until; }

void Accounts::count_failure(const std::string& id, Answer<void> answer) {
    if (id.empty()) return database_.run(count_miss, {}, without_rows(std::move(answer)));
    const auto until = std::to_string(milliseconds(clock_.now() + lock_.time));
    database_.run(count_failure_of, {id, std::to_string(lock_.after - 1), until}, without_rows(std::move(answer)));
}

void Accounts::forget_failures(const std::string& id, Answer<void> answer) {
    database_.run(clear_failures, {id}, without_rows(std::move(answer)));
}

void Accounts::rehash(const std::string& id, const std::string& old_hash, const std::string& hash,
                      Answer<void> answer) {
    database_.run(replace_hash, {id, old_hash, hash}, without_rows(std::move(answer)));
}

void Accounts::change_password(const User& user, const std::string& hash, const std::string& session,
                               std::string traceparent, Answer<void> answer) {
    const auto now = clock_.now();
    std::vector<kit::db::Statement> statements;
    statements.push_back({update_password, {user.id, hash}, kit::db::Guard::must_touch});
    statements.push_back({end_other_sessions, {user.id, session, std::to_string(milliseconds(now))}});
    auto event = event_of("user.password_changed", user, std::move(traceparent), now);
    auto work = [this, statements = std::move(statements), event = std::move(event)](Session& in,
                                                                                     kit::db::Done done) mutable {
        kit::db::run_all(in, std::move(statements),
                         [this, &in, event = std::move(event), done = std::move(done)](base::Result<void> ran) mutable {
                             if (!ran) return done(std::move(ran));
                             outbox_.add(in, std::move(event), std::move(done));
                         });
    };
    database_.transact(std::move(work), [this, answer = std::move(answer)](base::Result<void> done) mutable {
        if (done) outbox_.wake();
        answer(std::move(done));
    });
}

namespace {

/// The steps of changing roles within one transaction.
struct RoleChange : std::enable_shared_from_this<RoleChange> {
    std::string id;
    Roles roles;
    std::optional<std::int64_t> revision;
    User user;

    void run(Session& session, kit::db::Done done) {
        // Changes of admins go one after the other, so that two admins cannot dismiss each other at once.
        step(session, lock_admins, {}, std::move(done), [](RoleChange& self, Session& in, const Rows&, auto then) {
            self.step(in, select_user, {self.id}, std::move(then), &RoleChange::check);
        });
    }

 private:
    template <class Next>
    void step(Session& session, const char* sql, kit::db::Parameters parameters, kit::db::Done done, Next next) {
        session.run(
            sql, std::move(parameters),
            [self = shared_from_this(), &session, next, done = std::move(done)](base::Result<Rows> rows) mutable {
                if (!rows) return done(std::unexpected(std::move(rows).error()));
                std::invoke(next, *self, session, *rows, std::move(done));
            });
    }
    void check(Session& session, const Rows& rows, kit::db::Done done) {
        if (rows.empty()) return done(std::unexpected(no_such(id)));
        user = user_in(rows, 0);
        if (revision && *revision != user.revision)
            return done(base::fail(base::Code::expired, "If-Match is no tag of this user's present state"));
        step(session, count_other_admins, {id}, std::move(done), &RoleChange::write);
    }
    void write(Session& session, const Rows& rows, kit::db::Done done) {
        const bool dismissed = user.has(Role::admin) && text_of(roles).find("admin") == std::string::npos;
        if (dismissed && rows.number(0, 0) == 0)
            return done(base::fail(base::Code::conflict, "this is the last admin; make somebody else one first"));
        step(session, update_roles, {id, text_of(roles)}, std::move(done),
             [](RoleChange& self, Session& in, const Rows&, auto then) {
                 self.step(in, select_user, {self.id}, std::move(then), &RoleChange::read_again);
             });
    }
    void read_again(Session&, const Rows& rows, kit::db::Done done) {
        user = user_in(rows, 0);
        done({});
    }
};

}  // namespace

void Accounts::set_roles(const std::string& id, const Roles& roles, std::optional<std::int64_t> revision,
                         Answer<User> answer) {
    auto change = std::make_shared<RoleChange>();
    change->id = id;
    change->roles = roles;
    change->revision = revision;
    database_.transact([change](Session& session, kit::db::Done done) { change->run(session, std::move(done)); },
                       [change, answer = std::move(answer)](base::Result<void> done) mutable {
                           if (!done) return answer(std::unexpected(std::move(done).error()));
                           answer(std::move(change->user));
                       });
}

void Accounts::list(const UserWish& wish, Answer<UserListing> answer) {
    kit::db::PageQuery query{
        .columns = "id, login, name, roles, wants_dealer, created_at, revision",
        .from = wished_users,
        .order = "login",
        .parameters = {pattern_of(wish.search), fmt::format("%{}%", wish.role), wish.wants_dealer ? "1" : "0"},
        .page = wish.paging.page,
        .per_page = wish.paging.per_page};
    User (*in_row)(const Rows&, std::size_t) = [](const Rows& rows, std::size_t row) { return user_in(rows, row); };
    kit::db::read_items(database_, std::move(query), in_row, std::move(answer));
}

void Accounts::ensure_admin(const std::string& login, const std::string& hash, Answer<void> answer) {
    const auto now = std::to_string(milliseconds(clock_.now()));
    std::vector<kit::db::Statement> statements;
    statements.push_back({insert_user, {kit::auth::random_uuid(), login, "Admin", hash, "buyer,admin", "0", now}});
    statements.push_back({make_admin, {login}});
    kit::db::run_all(database_, std::move(statements), std::move(answer));
}

}  // namespace auth
