#include "kit/web/proxy.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "kit/http/ascii.h"
#include "kit/web/router.h"

namespace kit {
namespace {

using http::Headers;
using http::same_text;

constexpr std::size_t gathered_bytes_max = 64 * 1024;  ///< smaller answers keep their length, and break without a trace
constexpr std::size_t tunnel_pending_max = 4 * 1024 * 1024;

/// What concerns one connection only (RFC 9110, 7.6.1).
bool hop_by_hop(std::string_view name) {
    static constexpr std::string_view names[] = {
        "Connection", "Keep-Alive",        "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "TE",
        "Trailer",    "Transfer-Encoding", "Upgrade"};
    return std::ranges::any_of(names, [&](std::string_view one) { return same_text(one, name); });
}

bool told_by_us(std::string_view name) {
    static constexpr std::string_view names[] = {
        "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Prefix",
        "Forwarded",       "traceparent",       "Content-Length",   "Expect"};
    return std::ranges::any_of(names, [&](std::string_view one) { return same_text(one, name); });
}

/// What our own server says in each answer.
bool said_anyway(std::string_view name) {
    return same_text(name, "X-App-Version") || same_text(name, "X-Content-Type-Options") || same_text(name, "Date");
}

/// All but what is for one hop, by rule or because `Connection` names it.
Headers passing(const Headers& headers) {
    Headers kept;
    const auto connection = headers.get("Connection");
    for (const auto& [name, value] : headers.all()) {
        if (!hop_by_hop(name) && !http::has_token(connection, name)) kept.add(name, value);
    }
    return kept;
}

bool asks_for_upgrade(const http::Request& request) {
    return request.method == "GET" && request.headers.has("Upgrade") &&
           http::has_token(request.headers.get("Connection"), "upgrade");
}

std::optional<std::size_t> length_of(const Headers& headers) {
    const auto text = headers.get("Content-Length");
    std::size_t length = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), length);
    if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
    return length;
}

/// One request on its way through. It is kept by the callbacks of what it waits for, until it lets go of the exchange.
class Passage final : public LongLived, public std::enable_shared_from_this<Passage> {
 public:
    Passage(std::shared_ptr<const ProxyOptions> options, Call call)
        : options_(std::move(options)), call_(std::move(call)) {}

    void begin(http::Client& client) {
        auto outgoing = outgoing_request();
        const bool uploads = outgoing.sending == http::Sending::streamed;
        http::Pieces pieces;
        const auto self = shared_from_this();
        pieces.head = [self](int status, const Headers& headers) { self->head(status, headers); };
        pieces.piece = [self](std::string_view bytes) { self->piece(bytes); };
        pieces.end = [self](base::Result<void> end) { self->end(std::move(end)); };
        call_->on_gone([weak = weak_from_this()] {
            if (const auto held = weak.lock()) held->client_gone();
        });
        exchange_ = client.stream(std::move(outgoing), std::move(pieces));
        if (!uploads) return;
        exchange_->on_drain([weak = weak_from_this()] {
            const auto held = weak.lock();
            if (held && held->exchange_ && std::exchange(held->full_, false)) held->upload();
        });
        upload();
    }

    /// What has no end of its own ends here; whoever listened comes back, to another replica.
    void stop() override {
        const auto self = shared_from_this();
        if (stream_) stream_->end();
        let_go();
    }

 private:
    http::Outgoing outgoing_request() {
        const auto& request = call_->request();
        http::Outgoing outgoing{.method = request.method};
        auto rest = std::string_view(request.target);
        if (rest.starts_with(options_->prefix)) rest.remove_prefix(options_->prefix.size());
        outgoing.url = fmt::format("{}{}{}", options_->base, rest.starts_with('/') ? "" : "/", rest);
        outgoing.timeout = options_->timeout;
        outgoing.silence = run::Duration::zero();  // events may be rare; whoever waits for them may leave
        const auto kept = passing(request.headers);
        for (const auto& [name, value] : kept.all()) {
            if (!told_by_us(name)) outgoing.headers.add(name, value);
        }
        tell_origin(outgoing.headers);
        if (asks_for_upgrade(request)) {
            outgoing.sending = http::Sending::upgrade;
            outgoing.headers.add("Upgrade", request.headers.get("Upgrade"));
        } else if (request.stream) {
            outgoing.sending = http::Sending::streamed;
            if (request.headers.has("Content-Length")) {
                outgoing.headers.add("Content-Length", request.headers.get("Content-Length"));
            }
        } else {
            outgoing.body = request.body;
        }
        return outgoing;
    }

    void tell_origin(Headers& headers) {
        const auto& request = call_->request();
        const bool extends = options_->forwarded == Forwarded::extended;
        const auto told = [&](std::string_view name) {
            return extends ? request.headers.get(name) : std::string_view();
        };
        const auto before = told("X-Forwarded-For");
        headers.add("X-Forwarded-For",
                    before.empty() ? request.remote_address : fmt::format("{}, {}", before, request.remote_address));
        const auto scheme = told("X-Forwarded-Proto");
        headers.add("X-Forwarded-Proto", scheme.empty() ? "http" : scheme);
        const auto host = told("X-Forwarded-Host");
        headers.add("X-Forwarded-Host", host.empty() ? request.headers.get("Host") : host);
        headers.add("X-Forwarded-Prefix", fmt::format("{}{}", told("X-Forwarded-Prefix"), options_->prefix));
        headers.add("traceparent", call_->context().trace().traceparent());
    }

    /// The next piece of the request's body is asked for when the last one has gone on.
    void upload() {
        call_body().next([self = shared_from_this()](base::Result<std::string> piece) { self->uploaded(piece); });
    }
    http::Body& call_body() {
        if (!body_) body_ = call_->request().stream;
        return *body_;
    }
    void uploaded(const base::Result<std::string>& piece) {
        if (!exchange_) return;
        if (!piece) {
            let_go();
            if (call_ && !answered_) call_->fail(piece.error());
            return;
        }
        if (piece->empty()) return exchange_->finish();
        exchange_->write(*piece);
        if (exchange_->pending() <= options_->pending_bytes_max) return upload();
        full_ = true;
    }

    void head(int status, const Headers& headers) {
        Headers kept;
        const auto all = passing(headers);
        for (const auto& [name, value] : all.all()) {
            if (!said_anyway(name)) kept.add(name, value);
        }
        if (status == 101) return open_tunnel(headers, std::move(kept));
        const bool bodiless = status == 204 || status == 304;
        const auto length = length_of(headers);
        if (bodiless || (length && *length <= gathered_bytes_max && call_->request().method != "HEAD")) {
            gathered_ = http::Response{.status = status, .headers = std::move(kept), .body = nullptr};
            return;
        }
        answered_ = true;
        stream_ = call_->stream(status, std::move(kept));
        if (!stream_) return let_go();
        watch(*stream_);
        if (headers.get("Content-Type").starts_with("text/event-stream"))
            call_->router().keep_until_stop(shared_from_this());
    }

    void open_tunnel(const Headers& headers, Headers kept) {
        kept.set("Upgrade", headers.get("Upgrade"));
        answered_ = true;
        const auto channel = call_->upgrade(std::move(kept));
        stream_ = channel;
        if (!channel) return let_go();
        watch(*channel);
        call_->router().keep_until_stop(shared_from_this());
        channel->on_bytes([weak = weak_from_this()](std::string_view bytes) {
            const auto self = weak.lock();
            if (!self || !self->exchange_) return;
            self->exchange_->write(bytes);
            if (self->exchange_->pending() > tunnel_pending_max) self->let_go();  // it does not read what it is sent
        });
    }

    void watch(http::Stream& stream) {
        stream.on_close([weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->let_go();
        });
        stream.on_drain([weak = weak_from_this()] {
            const auto self = weak.lock();
            if (self && self->exchange_) self->exchange_->resume();
        });
    }

    void piece(std::string_view bytes) {
        if (gathered_) {
            body_text_ += bytes;
            return;
        }
        if (!stream_) return;
        stream_->write(std::make_shared<const std::string>(bytes));
        if (stream_->pending() > options_->pending_bytes_max && exchange_) exchange_->pause();
    }

    void end(base::Result<void> end) {
        const auto self = shared_from_this();
        if (stream_) {
            if (end) stream_->end();
            return let_go();  // without end() the client's connection is cut: it must not take a part for the whole
        }
        let_go();
        if (!end) return refuse(end.error());
        if (!gathered_ || std::exchange(answered_, true)) return;
        gathered_->body = std::make_shared<const std::string>(std::move(body_text_));
        call_->answer(std::move(*gathered_));
    }

    void refuse(const base::Error& error) {
        if (std::exchange(answered_, true)) return;
        int status = 502;
        if (error.code == base::Code::timeout) status = 504;
        if (error.code == base::Code::unavailable && !gathered_) status = 503;
        const auto* what = status == 504   ? "did not answer in time"
                           : status == 503 ? "cannot be reached just now"
                                           : "gave no proper answer";
        auto response = problem_response(
            {.status = status, .detail = fmt::format("the service {} {}", options_->name, what), .fields = {}});
        if (status == 503) response.headers.add("Retry-After", "1");
        call_->answer(std::move(response));
    }

    /// Nobody reads the answer; it is one for the books.
    void client_gone() {
        const auto self = shared_from_this();
        let_go();
        if (!std::exchange(answered_, true)) call_->answer({.status = 499, .headers = {}, .body = nullptr});
    }

    /// Nothing of the service is waited for any more.
    void let_go() {
        stream_.reset();
        body_.reset();
        const auto gone = std::move(exchange_);
    }

    std::shared_ptr<const ProxyOptions> options_;
    std::optional<Call> call_;
    std::shared_ptr<http::Body> body_;
    std::unique_ptr<http::Exchange> exchange_;
    std::shared_ptr<http::Stream> stream_;
    std::optional<http::Response> gathered_;
    std::string body_text_;
    bool answered_ = false;
    bool full_ = false;  ///< the service takes the body more slowly than it comes
};

}  // namespace

Proxy::Proxy(http::Client& client, ProxyOptions options) : client_(client) {
    while (options.base.ends_with('/')) options.base.pop_back();
    options_ = std::make_shared<const ProxyOptions>(std::move(options));
}

void Proxy::pass(Call call) const { std::make_shared<Passage>(options_, std::move(call))->begin(client_); }

}  // namespace kit
