#include "notifications/feed.h"

#include <algorithm>

#include "kit/json_text.h"

namespace notifications {
namespace {

constexpr std::size_t listeners_max = 2000;
/// Numbers are given before transactions end, so a lower one can appear after a higher: the last ones are looked at
/// again.
constexpr std::int64_t overlap = 50;

}  // namespace

void append_json(std::string& out, const Notice& notice) {
    const run::Time at{std::chrono::milliseconds(notice.at)};
    kit::JsonText json(out);
    json.open('{').field("id", notice.id).field("number", notice.number).field("type", notice.type);
    json.field("subject", notice.subject).field("time", base::rfc3339_micro(at)).field("title", notice.title);
    json.field("text", notice.text).field("read", notice.read).close('}');
}

bool Feed::full() const { return listeners_.size() >= listeners_max; }

bool Feed::open(std::shared_ptr<kit::EventStream> stream, std::string user, std::int64_t number) {
    if (full()) return false;
    auto listener = std::make_shared<Listener>();
    listener->stream = std::move(stream);
    listener->user = std::move(user);
    listener->number = number;
    listener->stream->on_close([this, weak = std::weak_ptr(listener)] {
        const auto gone = weak.lock();
        if (!gone) return;
        gone->gone = true;
        std::erase(listeners_, gone);
    });
    listeners_.push_back(listener);
    look_for(listener);
    return true;
}

void Feed::look() {
    for (const auto& listener : listeners_) look_for(listener);
}

void Feed::look_for(const std::shared_ptr<Listener>& listener) {
    if (listener->looking || listener->gone) return;
    listener->looking = true;
    const auto& sent = listener->recent;
    const auto from = sent.empty() ? listener->number : std::max(listener->number, *sent.rbegin() - overlap);
    ledger_.notices_since(listener->user, from,
                          [weak = std::weak_ptr(listener)](base::Result<std::vector<Notice>> notices) {
                              const auto listener = weak.lock();
                              if (!listener) return;
                              listener->looking = false;
                              if (!notices || listener->gone) return;
                              for (const auto& notice : *notices) {
                                  if (!listener->recent.insert(notice.number).second) continue;
                                  std::string text;
                                  append_json(text, notice);
                                  listener->stream->send("notification", text, std::to_string(notice.number));
                              }
                              auto& recent = listener->recent;
                              while (!recent.empty() && *recent.rbegin() - *recent.begin() > overlap)
                                  recent.erase(recent.begin());
                          });
}

}  // namespace notifications
