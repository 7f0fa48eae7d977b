// A reverse proxy for one service: bodies stream both ways at the pace of the slower side, server-sent events and
// upgraded connections (WebSocket) pass through, and what goes wrong is told as 502, 503 or 504.
#pragma once

#include <memory>
#include <string>

#include "kit/http/client.h"
#include "kit/web/call.h"

namespace kit {

enum class Forwarded : std::uint8_t {
    replaced,  ///< X-Forwarded-* that a client sent are lies: ours are told alone
    extended,  ///< they come from a proxy before us that is trusted
};

struct ProxyOptions {
    std::string name;    ///< in errors: "orders"
    std::string base;    ///< "http://orders:8080"
    std::string prefix;  ///< of our paths, taken off: "/api/orders"; told as X-Forwarded-Prefix
    Forwarded forwarded = Forwarded::replaced;
    run::Duration timeout = std::chrono::seconds(30);  ///< until the head of the answer
    std::size_t pending_bytes_max = 256 * 1024;        ///< on the way in each direction
};

class Proxy {
 public:
    /// `client` must outlive the calls.
    Proxy(http::Client& client, ProxyOptions options);
    /// For routes without a time limit of their own, whose path begins with the prefix.
    void pass(Call call) const;

 private:
    http::Client& client_;
    std::shared_ptr<const ProxyOptions> options_;
};

}  // namespace kit
