#include "insights/source.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

namespace insights {
namespace {

namespace json = boost::json;
constexpr std::size_t entries_max = 256;  ///< filters that somebody asked for lately

base::Result<std::shared_ptr<const json::object>> object_in(const base::Result<kit::http::Response>& answer) {
    if (!answer) return std::unexpected(answer.error());
    if (answer->status != 200) return base::fail(base::Code::unavailable, fmt::format("it answers {}", answer->status));
    boost::system::error_code error;
    auto value = json::parse(answer->body ? std::string_view(*answer->body) : std::string_view(), error);
    if (error || !value.is_object()) return base::fail(base::Code::unavailable, "its answer is not understood");
    return std::make_shared<const json::object>(std::move(value.get_object()));
}

}  // namespace

void Source::ask(const std::string& path, Told told) {
    const auto now = loop_.now();
    const auto found = entries_.find(path);
    if (found != entries_.end() && !found->second.asking && now - found->second.asked < fresh_)
        return told(found->second.known);
    if (found == entries_.end()) make_room();
    auto& entry = entries_[path];
    entry.waiting.push_back(std::move(told));
    if (std::exchange(entry.asking, true)) return;
    entry.asked = now;
    peer_.call(kit::Context(), {.path = path},
               [this, path](base::Result<kit::http::Response> answer) { arrived(path, std::move(answer)); });
}

void Source::arrived(const std::string& path, base::Result<kit::http::Response> answer) {
    auto& entry = entries_[path];
    const auto now = loop_.now();
    if (auto value = object_in(answer)) {
        entry.known = {.value = std::move(*value), .time = now, .problem = ""};
    } else {
        entry.known.problem = value.error().message;
    }
    entry.asking = false;
    const auto known = entry.known;
    for (auto& told : std::exchange(entry.waiting, {})) told(known);
}

/// The one that was asked for longest ago goes.
void Source::make_room() {
    if (entries_.size() < entries_max) return;
    const auto idle = [](const auto& one) { return one.second.asking ? run::Time::max() : one.second.asked; };
    const auto oldest = std::ranges::min_element(entries_, {}, idle);
    if (!oldest->second.asking) entries_.erase(oldest);
}

}  // namespace insights
