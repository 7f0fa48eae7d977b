#include "notifications/channels.h"

#include <fmt/format.h>

#include "kit/auth/signing.h"

namespace notifications {
namespace {

class LogChannel final : public Channel {
 public:
    LogChannel(kit::Log& log, const Templates& templates) : log_(log), templates_(templates) {}
    std::string_view name() const override { return "log"; }
    bool wants(const Event& event) const override { return templates_.knows(event.type); }
    void send(const Event& event, Sent sent) override {
        const auto said = templates_.say(event);
        log_.info("notification",
                  {{"event", event.id}, {"type", event.type}, {"user", event.user_id}, {"title", said.title}});
        sent({});
    }

 private:
    kit::Log& log_;
    const Templates& templates_;
};

class EmailChannel final : public Channel {
 public:
    EmailChannel(kit::mail::Smtp& smtp, std::string from, const run::Clock& clock, const Templates& templates)
        : smtp_(smtp), from_(std::move(from)), clock_(clock), templates_(templates) {}
    std::string_view name() const override { return "email"; }
    bool wants(const Event& event) const override { return !event.email.empty() && templates_.knows(event.type); }
    void send(const Event& event, Sent sent) override {
        auto said = templates_.say(event);
        const auto at = from_.find('@');
        auto domain = at == std::string::npos ? std::string("localhost") : from_.substr(at + 1);
        if (domain.ends_with('>')) domain.pop_back();
        smtp_.send({.from = from_,
                    .to = event.email,
                    .subject = std::move(said.title),
                    .text = std::move(said.text),
                    .html = std::move(said.html),
                    .message_id = fmt::format("{}.email@{}", event.id, domain),
                    .date = clock_.now()},
                   std::move(sent));
    }

 private:
    kit::mail::Smtp& smtp_;
    std::string from_;
    const run::Clock& clock_;
    const Templates& templates_;
};

/// "order.*" fits "order.paid"; "*" fits all.
bool fits(std::string_view patterns, std::string_view type) {
    while (!patterns.empty()) {
        const auto comma = patterns.find(',');
        auto one = patterns.substr(0, comma);
        patterns = comma == std::string_view::npos ? std::string_view() : patterns.substr(comma + 1);
        while (one.starts_with(' ')) one.remove_prefix(1);
        while (one.ends_with(' ')) one.remove_suffix(1);
        if (one == type || (one.ends_with('*') && type.starts_with(one.substr(0, one.size() - 1)))) return true;
    }
    return false;
}

class WebhookChannel final : public Channel {
 public:
    WebhookChannel(kit::http::Client& client, const run::Clock& clock, WebhookOptions options)
        : client_(client), clock_(clock), options_(std::move(options)) {}
    std::string_view name() const override { return "webhook"; }
    bool wants(const Event& event) const override { return fits(options_.types, event.type); }
    void send(const Event& event, Sent sent) override {
        kit::http::Outgoing request{
            .method = "POST", .url = options_.url, .body = event.body, .timeout = options_.timeout};
        request.headers.add("Content-Type", "application/json");
        request.headers.add("Idempotency-Key", event.id);
        request.headers.add(kit::auth::webhook_header,
                            kit::auth::webhook_signature(options_.secret, event.body, clock_.now()));
        client_.send(std::move(request), [sent = std::move(sent)](base::Result<kit::http::Response> answer) mutable {
            if (!answer) return sent(std::unexpected(std::move(answer).error()));
            if (answer->status / 100 == 2) return sent({});
            // Too many, too early and timed out pass; other 4xx will not change.
            const bool later =
                answer->status / 100 != 4 || answer->status == 408 || answer->status == 425 || answer->status == 429;
            sent(base::fail(later ? base::Code::unavailable : base::Code::invalid,
                            fmt::format("the webhook was answered {}", answer->status)));
        });
    }

 private:
    kit::http::Client& client_;
    const run::Clock& clock_;
    WebhookOptions options_;
};

}  // namespace

std::unique_ptr<Channel> log_channel(kit::Log& log, const Templates& templates) {
    return std::make_unique<LogChannel>(log, templates);
}

std::unique_ptr<Channel> email_channel(kit::mail::Smtp& smtp, std::string from, const run::Clock& clock,
                                       const Templates& templates) {
    return std::make_unique<EmailChannel>(smtp, std::move(from), clock, templates);
}

std::unique_ptr<Channel> webhook_channel(kit::http::Client& client, const run::Clock& clock, WebhookOptions options) {
    return std::make_unique<WebhookChannel>(client, clock, std::move(options));
}

}  // namespace notifications
