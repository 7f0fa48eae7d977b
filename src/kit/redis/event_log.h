// Events through a Redis stream: appended by one service, read by groups of consumers, each event by one consumer of
// a group at least once; what a dead consumer left is claimed by another.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kit/redis/redis.h"

namespace kit::redis {

struct Entry {
    std::string id;    ///< Redis's: 1526919030474-55
    std::string body;  ///< the event's JSON
    std::int64_t deliveries = 1;
};

struct ConsumerOptions {
    std::string stream = "events";
    std::string group;     ///< the service
    std::string consumer;  ///< the process: host name and pid
    std::size_t batch = 32;
    run::Duration claim_after = std::chrono::seconds(30);
};

/// Reads until it is dropped. `handle` says by its second argument whether the entry is done (acknowledged) or is to
/// come again.
class Consumer {
 public:
    using Handle = std::function<void(Entry, std::move_only_function<void(bool done)>)>;
    Consumer(Redis& redis, run::Loop& loop, Log& log, ConsumerOptions options, Handle handle);
    ~Consumer();

 private:
    struct State;
    std::shared_ptr<State> state_;
};

/// XADD with an approximate bound of `entries_max`.
void append(Redis& redis, const std::string& stream, std::string body, std::int64_t entries_max, Answer answer);

}  // namespace kit::redis
