// Events between services (docs/guide/services.md): their one form, and their way out of a service's outbox: appended
// to a Redis stream, or sent by HTTP to who handles them where there is no Redis.
#pragma once

#include <string>
#include <string_view>

#include "kit/context.h"
#include "kit/db/outbox.h"
#include "kit/redis/event_log.h"
#include "kit/web/peer.h"

namespace kit {

struct EventDraft {
    std::string type;         ///< order.placed
    std::string source;       ///< the service
    std::string subject;      ///< order/7f0c...
    std::string user_id;      ///< whom it concerns; "" leaves it out
    std::string email;        ///< "" leaves it out
    std::string traceparent;  ///< "" leaves it out
    std::string data = "{}";  ///< a JSON object
};

/// `id` is a UUID that receivers know the event by.
db::Event make_event(std::string id, const EventDraft& draft, run::Time now);

inline constexpr std::string_view events_stream = "events";
inline constexpr std::int64_t events_stream_max = 100'000;

/// With `redis` to the stream, else to `receiver` by POST /events; without both, events count as delivered. Both must
/// outlive the outbox.
db::Deliver deliver_events(redis::Redis* redis, Peer* receiver);

}  // namespace kit
