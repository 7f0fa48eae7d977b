#include "server/watch_session.h"

#include <fmt/format.h>

#include "server/status.h"
#include "server/zero.h"

namespace server {

using object::ObjectPtr;
using store::EventType;
using store::Revision;

WatchSession::WatchSession(Core& core, Watches& owner, std::uint64_t id, std::shared_ptr<http::Stream> stream,
                           WatchOptions options)
    : core_(core), owner_(owner), id_(id), stream_(std::move(stream)), options_(std::move(options)) {}

/// Without a version, or with 0, a watch begins with what there is; sendInitialEvents says so or forbids it.
bool WatchSession::from_snapshot() const {
    if (options_.options.initial_events) return *options_.options.initial_events;
    return options_.options.version.value_or(0) == 0;
}

void WatchSession::start() {
    stream_->on_close([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->drop();
    });
    const auto lifetime = options_.options.timeout_s.value_or(0) > 0
                              ? run::Duration(std::chrono::seconds(*options_.options.timeout_s))
                              : core_.settings.watch_default;
    deadline_ = core_.loop.after(lifetime, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->end();
    });
    schedule_bookmark();

    auto& store = core_.store();
    const auto version = options_.options.version.value_or(0);
    if (version > store.revision())
        return fail(
            {base::Code::expired, fmt::format("too large resource version: {} ({})", version, store.revision())});
    if (!from_snapshot()) return follow(version ? version : store.revision());
    const auto revision = store.revision();
    store.when_durable(revision, [weak = weak_from_this(), revision,
                                  objects = options_.selection.candidates(store, options_.resource)] {
        if (const auto self = weak.lock()) self->send_snapshot(objects, revision);
    });
}

void WatchSession::send_snapshot(const std::vector<ObjectPtr>& objects, Revision revision) {
    for (const auto& object : objects)
        if (stream_ && meant(object)) show(object, EventType::added);
    if (!stream_) return;
    seen_ = revision;
    if (options_.options.initial_events && options_.options.bookmarks) bookmark(revision, Mark::initial_end);
    follow(revision);
}

void WatchSession::follow(Revision from) {
    if (!stream_) return;
    seen_ = std::max(seen_, from);
    auto watch = core_.store().watch(options_.resource, from, [this](const store::EventPtr& event) { changed(event); });
    if (!watch) return fail(watch.error());
    watch_ = std::move(*watch);
}

void WatchSession::changed(const store::EventPtr& event) {
    if (!stream_) return;
    seen_ = event->revision;
    if (!options_.selection.ns().empty() && event->key.ns != options_.selection.ns()) return;
    const auto& selection = options_.selection;
    if (selection.everything()) return show(event->object, event->type);
    const bool before = meant(event->previous);
    const bool now = event->type != EventType::deleted && meant(event->object);
    if (now) return show(event->object, before ? EventType::modified : EventType::added);
    if (!before) return;
    if (event->type == EventType::deleted) return show(event->object, EventType::deleted);
    // It has left the selection: gone for this watcher, in its last meant state but at this revision.
    auto left = event->previous->value();
    object::child(left, "metadata")["resourceVersion"] = std::to_string(event->revision);
    show(std::make_shared<const object::Object>(std::move(left)), EventType::deleted);
}

void WatchSession::show(const ObjectPtr& object, EventType type) {
    send(owner_.texts_.get(object, type, options_.form, core_.loop.now()));
    options_.form.columns = Columns::left_out;
}

void WatchSession::fail(const base::Error& error) {
    send(std::make_shared<const std::string>(event_line("ERROR", json::serialize(status_of(error)))));
    options_.options.bookmarks = false;
    end();
}

void WatchSession::bookmark(Revision revision, Mark mark) {
    const auto& kind = *options_.form.kind;
    json::object object{{"kind", kind.kind}, {"apiVersion", kind.api_version()}};
    json::object meta{{"resourceVersion", std::to_string(revision)}};
    if (mark == Mark::initial_end) meta["annotations"] = json::object{{"k8s.io/initial-events-end", "true"}};
    object["metadata"] = std::move(meta);
    if (kind.message)
        for (auto& [key, value] : zero_object(*kind.message))
            if (key != "metadata") object[key] = value;
    auto form = options_.form;
    form.columns = Columns::left_out;
    const auto text =
        EventTexts::render(std::make_shared<const object::Object>(std::move(object)), form, core_.loop.now());
    send(std::make_shared<const std::string>(event_line("BOOKMARK", text)));
}

void WatchSession::send(Text line) {
    if (!stream_) return;
    if (stream_->pending() > core_.settings.watch_backlog_bytes_max) return drop();
    stream_->write(std::move(line));
}

void WatchSession::schedule_bookmark() {
    if (!options_.options.bookmarks) return;
    next_bookmark_ = core_.loop.after(core_.settings.bookmark_period, [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self || !self->stream_) return;
        if (self->watch_) self->bookmark(std::max(self->seen_, self->core_.store().durable()), Mark::plain);
        self->schedule_bookmark();
    });
}

void WatchSession::end() {
    if (!stream_) return;
    // Everything durable has been handed to a live watch by now: timers run between the store's deliveries.
    if (options_.options.bookmarks && watch_) bookmark(std::max(seen_, core_.store().durable()), Mark::plain);
    if (!stream_) return;
    const auto stream = std::move(stream_);
    stream->end();
    drop();
}

void WatchSession::drop() {
    stream_.reset();
    owner_.forget(id_);
}

}  // namespace server
