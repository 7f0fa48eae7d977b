#include "server/watch.h"

#include <fmt/format.h>

#include <algorithm>

#include "server/answer.h"
#include "server/read.h"
#include "server/status.h"
#include "server/watch_session.h"

namespace server {

using base::Code;
using object::ObjectPtr;
using store::EventType;

namespace {

constexpr std::size_t cached_bytes_max = 8 * 1024 * 1024;

std::string_view type_text(EventType type) {
    switch (type) {
        case EventType::added:
            return "ADDED";
        case EventType::modified:
            return "MODIFIED";
        case EventType::deleted:
            return "DELETED";
    }
    return "ERROR";
}

}  // namespace

std::string event_line(std::string_view type, std::string_view object) {
    std::string line;
    line.reserve(object.size() + type.size() + 24);
    line += R"({"type":")";
    line += type;
    line += R"(","object":)";
    line += object;
    line += "}\n";
    return line;
}

std::string EventTexts::render(const ObjectPtr& object, const Form& form, base::Time now) {
    switch (form.form) {
        case server::Form::object:
            return *text_as(*form.kind, object);
        case server::Form::partial:
            return partial_text(*object, form.version);
        case server::Form::table:
            return TableLayout(*form.kind, form.version, form.row).of_one(object, now, form.columns);
    }
    return {};
}

Text EventTexts::get(const ObjectPtr& object, EventType shown, const Form& form, base::Time now) {
    const auto make = [&] {
        return std::make_shared<const std::string>(event_line(type_text(shown), render(object, form, now)));
    };
    if (form.form == server::Form::table) return make();  // ages change with the time of asking
    const Key key{object->revision(), shown, form};
    auto& text = texts_[key];
    if (text) return text;
    text = make();
    const auto made = text;
    bytes_ += made->size();
    while (bytes_ > cached_bytes_max && texts_.size() > 1) {
        bytes_ -= texts_.begin()->second->size();
        texts_.erase(texts_.begin());
    }
    return made;
}

Watches::~Watches() = default;

void Watches::open(Call call, WatchOptions options) {
    auto stream = std::move(call.reply).start(200, headers_of(call, "application/json"));
    const auto id = ++last_;
    auto session = std::make_shared<WatchSession>(core_, *this, id, std::move(stream), std::move(options));
    sessions_[id] = session;
    session->start();
    if (closing_) session->end();
}

void Watches::forget(std::uint64_t id) {
    core_.loop.post([this, id, alive = std::weak_ptr(alive_)] {
        if (!alive.expired()) sessions_.erase(id);
    });
}

void Watches::close_all() {
    closing_ = true;
    for (const auto& [id, session] : sessions_) session->end();
}

void open_watch(Core& core, Call call) {
    const auto accepted = negotiate(call.request.headers.get("Accept"), {.forms = true, .yaml = false});
    if (!accepted) return send_error(std::move(call), accepted.error());
    auto options = parse_list_options(call.query, Reading::watch);
    if (!options) return send_error(std::move(call), options.error());
    auto selection = Selection::of(call);
    if (!selection) return send_error(std::move(call), selection.error());
    const auto layout = TableLayout::of(*call.place.kind, accepted->meta_version, call.query.get("includeObject"));
    if (accepted->form == Form::table && !layout) return send_error(std::move(call), layout.error());
    EventTexts::Form form{.kind = call.place.kind,
                          .form = accepted->form,
                          .version = accepted->meta_version,
                          .row = layout ? layout->row_object() : RowObject::metadata};
    WatchOptions watch{.resource = verbs::key_of(call.target()).resource,
                       .selection = std::move(*selection),
                       .form = std::move(form),
                       .options = std::move(*options)};
    core.watches.open(std::move(call), std::move(watch));
}

}  // namespace server
