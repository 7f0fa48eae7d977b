// The ways on which people and programs are told of an event. Each sends one message and says how that went; when and
// how often is the dispatcher's matter.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "kit/http/client.h"
#include "kit/log.h"
#include "kit/mail/smtp.h"
#include "notifications/event.h"
#include "notifications/templates.h"

namespace notifications {

/// `invalid`: it is refused and will be refused again. Any other Error: it may go another time.
using Sent = std::move_only_function<void(base::Result<void>)>;

class Channel {
 public:
    virtual ~Channel() = default;
    virtual std::string_view name() const = 0;
    virtual bool wants(const Event& event) const = 0;
    /// Ends within the dispatcher's limit.
    virtual void send(const Event& event, Sent sent) = 0;
};

/// A line in the log: the channel of who has set up no other.
std::unique_ptr<Channel> log_channel(kit::Log& log, const Templates& templates);

/// A mail to the event's address. Its Message-ID is made of event and channel, so that a mail that is sent again after
/// a crash is the same mail.
std::unique_ptr<Channel> email_channel(kit::mail::Smtp& smtp, std::string from, const run::Clock& clock,
                                       const Templates& templates);

struct WebhookOptions {
    std::string url;
    std::string secret;
    std::string types;  ///< "order.*, payment.captured"
    run::Duration timeout = std::chrono::seconds(5);
};
/// A signed POST of the event; its id is also the Idempotency-Key.
std::unique_ptr<Channel> webhook_channel(kit::http::Client& client, const run::Clock& clock, WebhookOptions options);

}  // namespace notifications
