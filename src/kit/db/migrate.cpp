// Versioned migrations under a lock: a transaction that nobody else can be in at the same time.
#include <algorithm>
#include <set>

#include "kit/db/database.h"

namespace kit::db {
namespace {

struct Migrating : std::enable_shared_from_this<Migrating> {
    Dialect dialect;
    std::vector<Migration> migrations;
    std::set<std::int64_t> applied;
    std::size_t at = 0;
    Session* session = nullptr;
    Done done;

    void start() {
        // PostgreSQL: released at commit. SQLite's transaction is IMMEDIATE, which is the lock.
        if (dialect == Dialect::sqlite) return make_table();
        // A migration may take long, and so may waiting for another process to end its own.
        session->script("SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock(7238462390)",
                        [self = shared_from_this()](base::Result<void> locked) {
                            if (!locked) return self->done(std::unexpected(std::move(locked).error()));
                            self->make_table();
                        });
    }

    void make_table() {
        const auto* time = dialect == Dialect::sqlite ? "TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now'))"
                                                      : "timestamptz NOT NULL DEFAULT now()";
        session->script(std::string("CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY, "
                                    "name TEXT NOT NULL, applied_at ") +
                            time + ")",
                        [self = shared_from_this()](base::Result<void> made) {
                            if (!made) return self->done(std::unexpected(std::move(made).error()));
                            self->read_versions();
                        });
    }

    void read_versions() {
        session->run("SELECT version FROM schema_migrations", {}, [self = shared_from_this()](base::Result<Rows> rows) {
            if (!rows) return self->done(std::unexpected(std::move(rows).error()));
            for (std::size_t row = 0; row < rows->size(); ++row) self->applied.insert(rows->number(row, 0));
            self->next();
        });
    }

    void next() {
        while (at < migrations.size() && applied.contains(migrations[at].version)) ++at;
        if (at == migrations.size()) return done({});
        const auto& migration = migrations[at];
        session->script(dialect == Dialect::sqlite ? migration.sqlite : migration.postgres,
                        [self = shared_from_this()](base::Result<void> ran) {
                            if (!ran) {
                                const auto where = "migration " + std::to_string(self->migrations[self->at].version);
                                return self->done(std::unexpected(std::move(ran).error().in(where)));
                            }
                            self->remember();
                        });
    }

    void remember() {
        const auto& migration = migrations[at++];
        session->run("INSERT INTO schema_migrations (version, name) VALUES ($1, $2)",
                     {std::to_string(migration.version), migration.name},
                     [self = shared_from_this()](base::Result<Rows> kept) {
                         if (!kept) return self->done(std::unexpected(std::move(kept).error()));
                         self->next();
                     });
    }
};

}  // namespace

void migrate(Database& database, std::vector<Migration> migrations, Done done) {
    std::ranges::sort(migrations, {}, &Migration::version);
    auto work = std::make_shared<Migrating>();
    work->dialect = database.dialect();
    work->migrations = std::move(migrations);
    database.transact(
        [work](Session& session, Done finish) {
            work->session = &session;
            work->done = std::move(finish);
            work->start();
        },
        std::move(done));
}

}  // namespace kit::db
