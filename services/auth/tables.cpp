#include "auth/tables.h"

#include "kit/db/outbox.h"

namespace auth {
namespace {

// login is an e-mail address or a username, in lower case. One row of misses takes the write that a failed attempt on
// a known account makes, so that an unknown one costs as much.
constexpr auto accounts = R"sql(
CREATE TABLE users (
    id TEXT PRIMARY KEY, login TEXT NOT NULL UNIQUE, name TEXT NOT NULL, password TEXT NOT NULL, roles TEXT NOT NULL,
    wants_dealer INTEGER NOT NULL, failures INTEGER NOT NULL, locked_until BIGINT NOT NULL, created_at BIGINT NOT NULL,
    revision BIGINT NOT NULL);
CREATE TABLE misses (id INTEGER PRIMARY KEY, failures BIGINT NOT NULL);
INSERT INTO misses (id, failures) VALUES (1, 0);
CREATE TABLE sessions (
    id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users (id), csrf TEXT NOT NULL, agent TEXT NOT NULL,
    address TEXT NOT NULL, created_at BIGINT NOT NULL, used_at BIGINT NOT NULL, expires_at BIGINT NOT NULL,
    ended_at BIGINT NOT NULL);
CREATE INDEX sessions_of_user ON sessions (user_id, used_at);
CREATE TABLE refresh_tokens (
    digest TEXT PRIMARY KEY, session_id TEXT NOT NULL REFERENCES sessions (id), expires_at BIGINT NOT NULL,
    used_at BIGINT NOT NULL);
CREATE INDEX refresh_tokens_of_session ON refresh_tokens (session_id);
CREATE TABLE signing_keys (
    generation BIGINT PRIMARY KEY, id TEXT NOT NULL UNIQUE, x TEXT NOT NULL, private TEXT NOT NULL,
    sealed INTEGER NOT NULL, made_at BIGINT NOT NULL, signs_from BIGINT NOT NULL);
)sql";

}  // namespace

std::vector<kit::db::Migration> migrations() {
    return {{1, "accounts, sessions, keys", accounts, accounts}, kit::db::Outbox::migration(2)};
}

}  // namespace auth
