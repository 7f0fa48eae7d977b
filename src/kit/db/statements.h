// Several statements one after the other within a transaction: a change that was worked out before is written as a
// list, and a guard stops it when somebody else was faster.
#pragma once

#include <string>
#include <vector>

#include "kit/db/database.h"

namespace kit::db {

enum class Guard : std::uint8_t { none, must_touch };

struct Statement {
    std::string sql;
    Parameters parameters;
    /// must_touch: `conflict` unless it touched a row.
    Guard guard = Guard::none;
};

/// In order; the first Error ends it. The session must live until `done`.
void run_all(Session& session, std::vector<Statement> statements, Done done);
/// The same in a transaction of their own.
void run_all(Database& database, std::vector<Statement> statements, Done done);
/// For statements whose rows say nothing.
RowsDone without_rows(Done done);

}  // namespace kit::db
