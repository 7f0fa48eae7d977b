// Server-sent events: a stream of text that a browser reads one event at a time, and that it opens again by itself.
#include <utility>

#include "kit/web/router.h"
#include "kit/web/websocket.h"

namespace kit {
namespace {

constexpr std::size_t pending_bytes_max = 1 << 20;
constexpr auto beat_every = std::chrono::seconds(15);  ///< so that proxies do not think it dead

/// A line break would begin another field.
void append_field(std::string& text, std::string_view name, std::string_view value) {
    text += name;
    text += ": ";
    for (const char c : value) text += c == '\n' || c == '\r' ? ' ' : c;
    text += '\n';
}

class Events final : public EventStream, public LongLived, public std::enable_shared_from_this<Events> {
 public:
    Events(std::shared_ptr<http::Stream> stream, run::Loop& loop) : stream_(std::move(stream)), loop_(loop) {}
    ~Events() override {
        if (stream_) stream_->end();
    }

    void start() {
        stream_->on_close([weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->finish();
        });
        beat();
    }

    void send(std::string_view event, std::string_view data, std::string_view id) override {
        std::string text;
        if (!event.empty()) append_field(text, "event", event);
        if (!id.empty()) append_field(text, "id", id);
        for (bool more = true; more;) {
            const auto end = data.find('\n');
            more = end != std::string_view::npos;
            append_field(text, "data", data.substr(0, end));
            if (more) data.remove_prefix(end + 1);
        }
        text += '\n';
        write(std::move(text));
    }

    void on_close(run::Callback closed) override {
        closed_ = std::move(closed);
        if (!stream_) loop_.post([self = shared_from_this()] { self->tell_closed(); });
    }
    void end() override { finish(); }
    void stop() override { finish(); }

 private:
    void write(std::string text) {
        if (!stream_) return;
        if (stream_->pending() + text.size() > pending_bytes_max) return finish();
        stream_->write(std::make_shared<const std::string>(std::move(text)));
    }
    void beat() {
        timer_ = loop_.after(beat_every, [this] {
            write(":\n\n");
            if (stream_) beat();
        });
    }
    void finish() {
        const auto self = shared_from_this();
        timer_.cancel();
        if (const auto stream = std::exchange(stream_, nullptr)) stream->end();
        tell_closed();
    }
    void tell_closed() {
        if (auto closed = std::exchange(closed_, nullptr)) closed();
    }

    std::shared_ptr<http::Stream> stream_;  ///< null: it is over
    run::Loop& loop_;
    run::Callback closed_;
    run::Timer timer_;
};

}  // namespace

std::shared_ptr<EventStream> start_events(Call call, run::Loop& loop) {
    http::Headers headers;
    headers.add("Content-Type", "text/event-stream");
    headers.add("Cache-Control", "no-store");
    headers.add("X-Accel-Buffering", "no");
    auto& router = call.router();
    auto stream = call.stream(200, std::move(headers));
    if (!stream) return nullptr;
    auto events = std::make_shared<Events>(std::move(stream), loop);
    events->start();
    router.keep_until_stop(events);
    return events;
}

}  // namespace kit
