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

template <class Item>
struct ItemsPage {
    std::vector<Item> items;
    std::int64_t total = 0;
};

/// The same, each row made an item by `item_in`.
template <class Item>
void read_items(Database& database, PageQuery query, Item (*item_in)(const Rows&, std::size_t row),
                std::move_only_function<void(base::Result<ItemsPage<Item>>)> done) {
    read_page(database, std::move(query), [item_in, done = std::move(done)](base::Result<RowsPage> read) mutable {
        if (!read) return done(std::unexpected(std::move(read).error()));
        ItemsPage<Item> page{.items = {}, .total = read->total};
        for (std::size_t row = 0; row < read->rows.size(); ++row) page.items.push_back(item_in(read->rows, row));
        done(std::move(page));
    });
}

}  // namespace kit::db
