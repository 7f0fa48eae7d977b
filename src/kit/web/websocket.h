// WebSockets (RFC 6455) and server-sent events over a Call's connection, with bounds on what is queued.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "kit/web/call.h"

namespace kit {

struct WebSocketOptions {
    std::size_t message_bytes_max = 64 * 1024;            ///< beyond it: closed with 1009
    std::size_t pending_bytes_max = 1 << 20;              ///< of a reader that is too slow: closed with 1013
    run::Duration ping_every = std::chrono::seconds(30);  ///< two unanswered: closed
    bool same_origin = true;  ///< refuses a browser's connection from another origin with 403
};

/// Whoever holds it keeps it open; dropping it closes it with 1001. What on_text and on_close hold goes with the end.
class WebSocket {
 public:
    virtual ~WebSocket() = default;
    virtual void send(std::shared_ptr<const std::string> text) = 0;
    virtual void on_text(std::move_only_function<void(std::string_view)> arrived) = 0;
    /// Once, however it ends.
    virtual void on_close(run::Callback closed) = 0;
    virtual void close(std::uint16_t code, std::string_view reason) = 0;
};

/// Answers the call's upgrade; null after a call that asked for none was answered 426, or 400/403, or 504. Drain closes
/// sockets with 1001 (going away).
std::shared_ptr<WebSocket> accept_websocket(Call call, run::Loop& loop, WebSocketOptions options = {});

/// Server-sent events (the HTML standard, section 9.2). Whoever holds it keeps it open. A reader that is too slow, and
/// a drain, end it: browsers come back by themselves, with the last id in Last-Event-ID.
class EventStream {
 public:
    virtual ~EventStream() = default;
    virtual void send(std::string_view event, std::string_view data, std::string_view id = {}) = 0;
    virtual void on_close(run::Callback closed) = 0;
    virtual void end() = 0;
};
/// Null when the answer's time was over.
std::shared_ptr<EventStream> start_events(Call call, run::Loop& loop);

}  // namespace kit
