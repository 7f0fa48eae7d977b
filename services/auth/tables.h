// The tables that accounts, log-ins and keys are kept in. Times are milliseconds since 1970.
#pragma once

#include <vector>

#include "kit/db/database.h"

namespace auth {

std::vector<kit::db::Migration> migrations();

}  // namespace auth
