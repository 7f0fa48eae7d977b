#include "kit/db/statements.h"

namespace kit::db {
namespace {

struct Running : std::enable_shared_from_this<Running> {
    Running(Session& in, std::vector<Statement> what, Done then)
        : session(in), statements(std::move(what)), done(std::move(then)) {}

    void next() {
        if (at == statements.size()) return done({});
        auto& statement = statements[at++];
        session.run(std::move(statement.sql), std::move(statement.parameters),
                    [self = shared_from_this(), guard = statement.guard](base::Result<Rows> rows) {
                        if (!rows) return self->done(std::unexpected(std::move(rows).error()));
                        if (guard == Guard::must_touch && rows->affected == 0) {
                            return self->done(base::fail(base::Code::conflict, "somebody else was faster"));
                        }
                        self->next();
                    });
    }

    Session& session;
    std::vector<Statement> statements;
    std::size_t at = 0;
    Done done;
};

}  // namespace

void run_all(Session& session, std::vector<Statement> statements, Done done) {
    std::make_shared<Running>(session, std::move(statements), std::move(done))->next();
}

void run_all(Database& database, std::vector<Statement> statements, Done done) {
    database.transact(
        [statements = std::move(statements)](Session& session, Done worked) mutable {
            run_all(session, std::move(statements), std::move(worked));
        },
        std::move(done));
}

RowsDone without_rows(Done done) {
    return [done = std::move(done)](base::Result<Rows> rows) mutable {
        done(rows ? base::Result<void>{} : std::unexpected(std::move(rows).error()));
    };
}

}  // namespace kit::db
