// Lists in pages: ?page= and ?per_page= of a request, and the answer around the items of one page.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kit/problem.h"
#include "kit/web/router.h"

namespace kit {

struct Paging {
    std::int64_t page = 1;
    std::int64_t per_page = 20;
};

/// Both parameters, described.
RouteWriter& paged(RouteWriter& route);
/// A query's whole number from 1 to `most`; nothing when it is absent, empty, or wrong, which is added to `problems`.
std::optional<std::int64_t> number_in(const Call& call, std::string_view name, std::int64_t most,
                                      std::vector<FieldProblem>& problems);
/// What the request says of them; what is wrong with it is added to `problems`.
Paging paging_of(const Call& call, std::vector<FieldProblem>& problems);
/// {"items": [...], "total": ..., "page": ..., "per_page": ..., "pages": ...}; each item is JSON.
http::Response page_of_items(const std::vector<std::string>& items, std::int64_t total, const Paging& paging);
/// JSON Schema of that answer.
std::string page_schema(std::string_view item_schema);

}  // namespace kit
