#include "insights/live.h"

#include <set>

#include "kit/json_text.h"

namespace insights {

void Live::join(kit::Call call) {
    auto filter = filter_of({.brand = call.query("brand").value_or(""),
                             .from = call.query("from").value_or(""),
                             .to = call.query("to").value_or("")},
                            loop_.now());
    if (!filter) return call.fail(filter.error());
    if (sessions_.size() >= sessions_max_) return call.fail({base::Code::unavailable, "too many pages follow live"});
    auto socket = kit::accept_websocket(std::move(call), loop_, {.message_bytes_max = 4096});
    if (!socket) return;
    const auto id = ++last_id_;
    socket->on_text([this, id](std::string_view text) { heard(id, text); });
    socket->on_close([this, id] { sessions_.erase(id); });
    sessions_.emplace(id, Session{std::move(socket), *filter, nullptr});
    gather(*filter);
}

void Live::heard(std::uint64_t id, std::string_view text) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return;
    auto filter = filter_of_json(text, loop_.now());
    if (!filter) {
        found->second.socket->send(std::make_shared<const std::string>(problem_text(filter.error().message)));
        return;
    }
    found->second.filter = std::move(*filter);
    found->second.told = nullptr;
    gather(found->second.filter);
}

void Live::look() {
    std::set<Filter> followed;
    for (const auto& [id, session] : sessions_) followed.insert(session.filter);
    for (const auto& filter : followed) gather(filter);
}

void Live::gather(const Filter& filter) {
    figures_.gather(filter, [this, filter](base::Result<std::string> figures) { tell(filter, figures); });
}

/// Sending may end a session, so the ids are gone through.
void Live::tell(const Filter& filter, const base::Result<std::string>& figures) {
    const auto text = std::make_shared<const std::string>(figures ? *figures : problem_text(figures.error().message));
    std::shared_ptr<const std::string> message;
    std::vector<std::uint64_t> behind;
    for (const auto& [id, session] : sessions_) {
        if (session.filter == filter && (!session.told || *session.told != *text)) behind.push_back(id);
    }
    for (const auto id : behind) {
        const auto found = sessions_.find(id);
        if (found == sessions_.end()) continue;
        if (!message) {
            std::string whole = *text;
            if (figures) whole = R"({"type":"figures","figures":)" + with_time(*text, loop_.now()) + "}";
            message = std::make_shared<const std::string>(std::move(whole));
        }
        found->second.told = text;
        const auto socket = found->second.socket;
        socket->send(message);
    }
}

std::string Live::problem_text(std::string_view detail) {
    std::string text;
    kit::JsonText(text).open('{').field("type", "problem").field("detail", detail).close('}');
    return text;
}

}  // namespace insights
