// The query parameters of LIST and WATCH, checked as upstream checks them.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "server/call.h"
#include "store/store.h"

namespace server {

enum class Match : std::uint8_t { unset, exact, not_older };

struct ListOptions {
    std::optional<store::Revision> version;  ///< unset when absent or empty; 0 is "any"
    Match match = Match::unset;
    std::int64_t limit = 0;  ///< 0: none
    std::string next;        ///< the continue token
    std::optional<bool> initial_events;
    bool bookmarks = false;
    std::optional<std::int64_t> timeout_s;
};

enum class Reading : std::uint8_t { list, watch };

/// Code::invalid for options that do not go together; a resourceVersion that is no number is 400 for lists and 500 for
/// watches, as upstream has it.
base::Result<ListOptions> parse_list_options(const Query& query, Reading reading);

/// Where a later page begins.
struct Continue {
    store::Revision revision = 0;
    std::string ns, name;  ///< the last object of the page before
};
std::string continue_text(const Continue& token);
base::Result<Continue> parse_continue(std::string_view text);

}  // namespace server
