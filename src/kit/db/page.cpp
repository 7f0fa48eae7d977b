#include "kit/db/page.h"

#include <fmt/format.h>

namespace kit::db {

void read_page(Database& database, PageQuery query, std::move_only_function<void(base::Result<RowsPage>)> done) {
    // Where the page begins is a value, so that all pages are one statement that is prepared once.
    const auto places = query.parameters.size();
    auto sql = fmt::format("SELECT {} FROM {} ORDER BY {} LIMIT CAST(${} AS BIGINT) OFFSET CAST(${} AS BIGINT)",
                           query.columns, query.from, query.order, places + 1, places + 2);
    auto counting = query.parameters;
    query.parameters.emplace_back(std::to_string(query.per_page));
    query.parameters.emplace_back(std::to_string((query.page - 1) * query.per_page));
    auto listed = [&database, from = std::move(query.from), counting = std::move(counting),
                   done = std::move(done)](base::Result<Rows> rows) mutable {
        if (!rows) return done(std::unexpected(std::move(rows).error()));
        auto counted = [rows = std::move(*rows), done = std::move(done)](base::Result<Rows> count) mutable {
            if (!count) return done(std::unexpected(std::move(count).error()));
            done(RowsPage{std::move(rows), count->number(0, 0)});
        };
        database.run(fmt::format("SELECT COUNT(*) FROM {}", from), std::move(counting), std::move(counted));
    };
    database.run(std::move(sql), std::move(query.parameters), std::move(listed));
}

}  // namespace kit::db
