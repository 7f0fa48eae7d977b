// A page of a table's rows, and how many rows there are in all.
#pragma once

#include <functional>
#include <string>

#include "kit/db/database.h"

namespace kit::db {

struct PageQuery {
    std::string columns;
    std::string from;   ///< "orders WHERE user_id = $1": of our own making, values by number
    std::string order;  ///< "created_at DESC, id": of our own making, without ties, so that pages are stable
    Parameters parameters;
    std::int64_t page = 1;
    std::int64_t per_page = 20;
};

struct RowsPage {
    Rows rows;
    std::int64_t total = 0;
};

void read_page(Database& database, PageQuery query, std::move_only_function<void(base::Result<RowsPage>)> done);

}  // namespace kit::db
