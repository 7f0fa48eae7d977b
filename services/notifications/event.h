// An event of another service (docs/guide/services.md), read and bounded.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace notifications {

struct Event {
    std::string id;
    std::string type;
    std::string time;
    std::string subject;
    std::string user_id;  ///< whom it concerns, or ""
    std::string email;    ///< theirs, or ""
    boost::json::object data;
    std::string body;  ///< its JSON as it is kept
};

/// `invalid` when it is no event or too large.
base::Result<Event> event_of(std::string_view json);
/// One event, or {"events": [...]}, at most `events_max` of them.
base::Result<std::vector<Event>> events_of(std::string_view json);

inline constexpr std::size_t events_max = 500;

}  // namespace notifications
