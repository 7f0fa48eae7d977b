#include "kit/web/websocket.h"

#include <utility>

#include "kit/http/ascii.h"
#include "kit/web/frames.h"
#include "kit/web/router.h"

namespace kit {
namespace {

constexpr auto close_patience = std::chrono::seconds(5);  ///< for the other side's close frame
constexpr int silent_pings_max = 2;

class Socket final : public WebSocket, public LongLived, public std::enable_shared_from_this<Socket> {
 public:
    Socket(std::shared_ptr<http::Channel> channel, run::Loop& loop, WebSocketOptions options)
        : channel_(std::move(channel)), loop_(loop), options_(options), reader_(options.message_bytes_max) {}
    ~Socket() override {
        if (!channel_) return;
        if (!closing_) channel_->write(bytes(close_frame(close_code::going_away, "")));
        channel_->end();
    }

    void start() {
        channel_->on_close([weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->finish();
        });
        plan_ping();
    }

    void send(std::shared_ptr<const std::string> text) override {
        if (closing_ || !channel_) return;
        if (channel_->pending() + text->size() > options_.pending_bytes_max)
            return end_with(close_code::try_later, "it reads too slowly");
        channel_->write(bytes(frame(Opcode::text, *text)));
    }

    /// What came before this call is kept for it by the channel.
    void on_text(std::move_only_function<void(std::string_view)> arrived) override {
        arrived_ = std::move(arrived);
        listen();
    }

    void on_close(run::Callback closed) override {
        closed_ = std::move(closed);
        if (!channel_) return loop_.post([self = shared_from_this()] { self->tell_closed(); });
        listen();
    }

    void close(std::uint16_t code, std::string_view reason) override {
        if (closing_ || !channel_) return;
        closing_ = true;
        channel_->write(bytes(close_frame(code, reason)));
        timer_ = loop_.after(close_patience, [this] { finish(); });
    }

    void stop() override { close(close_code::going_away, "the service is stopping"); }

 private:
    static std::shared_ptr<const std::string> bytes(std::string text) {
        return std::make_shared<const std::string>(std::move(text));
    }

    void listen() {
        if (listening_ || !channel_) return;
        listening_ = true;
        channel_->on_bytes([weak = weak_from_this()](std::string_view arrived) {
            if (const auto self = weak.lock()) self->take(arrived);
        });
    }

    void take(std::string_view arrived) {
        silent_pings_ = 0;
        reader_.put(arrived);
        while (channel_) {
            auto said = reader_.next();
            if (!said) return;
            hear(std::move(*said));
        }
    }

    void hear(Said said) {
        switch (said.what) {
            case Said::What::text:
                if (arrived_ && !closing_) arrived_(said.data);
                return;
            case Said::What::ping:
                if (!closing_) channel_->write(bytes(frame(Opcode::pong, said.data)));
                return;
            case Said::What::pong:
                return;
            case Said::What::close:
            case Said::What::broken:
                end_with(said.code, said.what == Said::What::broken ? said.data : "");
        }
    }

    /// Says close, unless that was said, and that is all.
    void end_with(std::uint16_t code, std::string_view reason) {
        if (!std::exchange(closing_, true)) channel_->write(bytes(close_frame(code, reason)));
        finish();
    }

    void finish() {
        const auto self = shared_from_this();
        timer_.cancel();
        if (const auto channel = std::exchange(channel_, nullptr)) channel->end();
        tell_closed();
    }

    void tell_closed() {
        arrived_ = nullptr;
        if (auto closed = std::exchange(closed_, nullptr)) closed();
    }

    void plan_ping() {
        timer_ = loop_.after(options_.ping_every, [this] {
            if (++silent_pings_ > silent_pings_max) return finish();
            channel_->write(bytes(frame(Opcode::ping, {})));
            plan_ping();
        });
    }

    std::shared_ptr<http::Channel> channel_;  ///< null: it is over
    run::Loop& loop_;
    WebSocketOptions options_;
    FrameReader reader_;
    std::move_only_function<void(std::string_view)> arrived_;
    run::Callback closed_;
    run::Timer timer_;
    int silent_pings_ = 0;
    bool listening_ = false;
    bool closing_ = false;
};

/// "host:port" without a standard port.
std::string_view plain_host(std::string_view host) {
    for (const std::string_view port : {":80", ":443"}) {
        if (host.ends_with(port)) host.remove_suffix(port.size());
    }
    return host;
}

/// A browser says whose page connects. A proxy says which address the browser knows; no page can say that.
bool same_origin(const http::Request& request) {
    auto origin = request.headers.get("Origin");
    if (origin.empty()) return true;  // no browser
    const auto scheme = origin.find("://");
    if (scheme == std::string_view::npos) return false;
    origin = plain_host(origin.substr(scheme + 3));
    return http::same_text(origin, plain_host(request.headers.get("Host"))) ||
           http::same_text(origin, plain_host(request.headers.get("X-Forwarded-Host")));
}

}  // namespace

std::shared_ptr<WebSocket> accept_websocket(Call call, run::Loop& loop, WebSocketOptions options) {
    const auto& request = call.request();
    const auto& headers = request.headers;
    if (!http::has_token(headers.get("Upgrade"), "websocket") || headers.get("Sec-WebSocket-Version") != "13") {
        auto response = problem_response({.status = 426, .detail = "here is a WebSocket (version 13)", .fields = {}});
        response.headers.add("Upgrade", "websocket");
        response.headers.add("Sec-WebSocket-Version", "13");
        call.answer(std::move(response));
        return nullptr;
    }
    const auto key = accept_key(headers.get("Sec-WebSocket-Key"));
    if (request.method != "GET" || key.empty() || !http::has_token(headers.get("Connection"), "upgrade")) {
        call.problem({.status = 400, .detail = "this is no WebSocket handshake (RFC 6455, 4.2.1)", .fields = {}});
        return nullptr;
    }
    if (options.same_origin && !same_origin(request)) {
        call.problem({.status = 403, .detail = "pages of other origins may not connect", .fields = {}});
        return nullptr;
    }
    http::Headers answer;
    answer.add("Upgrade", "websocket");
    answer.add("Sec-WebSocket-Accept", key);
    auto& router = call.router();
    auto channel = call.upgrade(std::move(answer));
    if (!channel) return nullptr;
    auto socket = std::make_shared<Socket>(std::move(channel), loop, options);
    socket->start();
    router.keep_until_stop(socket);
    return socket;
}

}  // namespace kit
