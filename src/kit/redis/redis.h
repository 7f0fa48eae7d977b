// Redis by hiredis, asynchronous on the loop: pipelined on one connection, reconnecting by itself, answers by
// callback in the order of the commands. What is built of it: Cache, EventLog, Lock, RateLimit (their own headers).
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "kit/log.h"
#include "run/loop.h"

namespace kit::redis {

/// What Redis answered, as a value: nil, a number, text or a list.
struct Value {
    std::variant<std::monostate, std::int64_t, std::string, std::vector<Value>> what;
    bool nil() const { return std::holds_alternative<std::monostate>(what); }
    std::string_view text() const;
    std::int64_t number() const;
    const std::vector<Value>& list() const;
};
using Answer = std::move_only_function<void(base::Result<Value>)>;

struct RedisOptions {
    std::string host = "127.0.0.1";
    std::uint16_t port = 6379;
    std::string password;
    run::Duration timeout = std::chrono::seconds(2);  ///< for each command: then Code::timeout
    std::size_t waiting_max = 100'000;
    run::Duration reconnect_first = std::chrono::milliseconds(100);
    run::Duration reconnect_last = std::chrono::seconds(2);
};

class Redis {
 public:
    virtual ~Redis() = default;
    /// One command, its words binary-safe. `unavailable`, at once, while the server is away.
    virtual void command(std::vector<std::string> words, Answer answer) = 0;
    /// A command that may wait in the server (XREADGROUP BLOCK ...): on a connection of its own.
    virtual void blocking(std::vector<std::string> words, run::Duration patience, Answer answer) = 0;
    /// Nothing while it can be used; else why not.
    virtual std::optional<std::string> away() const = 0;
    virtual std::size_t waiting() const = 0;
    /// Names the run of the server that the next command goes to: another after each of its starts. Empty while it is
    /// away, and when it does not say.
    virtual std::string_view run() const = 0;
};

std::unique_ptr<Redis> open(boost::asio::io_context& io, Log& log, RedisOptions options);

}  // namespace kit::redis
