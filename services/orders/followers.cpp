#include "orders/followers.h"

#include <algorithm>

#include "orders/order_json.h"

namespace orders {
namespace {

constexpr auto look_every = std::chrono::seconds(1);
constexpr std::size_t followers_max = 1000;

/// Nothing that a follower waits for comes after it by itself.
bool over(const Order& order) {
    return order.stage == Stage::expired || order.stage == Stage::cancelled || order.stage == Stage::refunded ||
           order.stage == Stage::rejected;
}

}  // namespace

std::size_t Followers::count() const {
    std::size_t sum = 0;
    for (const auto& [id, some] : followers_) sum += some.size();
    return sum;
}

void Followers::follow(kit::Call call, const Order& order) {
    if (count() >= followers_max) {
        return call.problem({.status = 503, .detail = "too many follow orders at this moment", .fields = {}});
    }
    Follower follower{kit::start_events(std::move(call), loop_), 0};
    if (!follower.stream) return;
    send(follower, order);
    if (over(order)) return follower.stream->end();
    follower.stream->on_close([this, id = order.id, stream = follower.stream.get()] {
        // Not from within the stream's own call.
        loop_.post([this, id, stream] { forget(id, stream); });
    });
    followers_[order.id].push_back(std::move(follower));
    if (!timer_) plan();
}

void Followers::tell(const Order& order) {
    const auto found = followers_.find(order.id);
    if (found == followers_.end()) return;
    for (auto& follower : found->second) send(follower, order);
    if (over(order)) {
        for (auto& follower : found->second) follower.stream->end();
        followers_.erase(found);
        return;
    }
}

void Followers::send(Follower& follower, const Order& order) {
    if (order.revision <= follower.revision) return;
    follower.revision = order.revision;
    follower.stream->send("order", json_of(order), std::to_string(order.revision));
}

void Followers::forget(const std::string& id, const kit::EventStream* stream) {
    const auto found = followers_.find(id);
    if (found == followers_.end()) return;
    std::erase_if(found->second, [&](const Follower& one) { return one.stream.get() == stream; });
    if (found->second.empty()) followers_.erase(found);
}

void Followers::plan() {
    timer_ = loop_.after(look_every, [this] {
        timer_.cancel();
        if (followers_.empty()) return;
        look();
        plan();
    });
}

void Followers::look() {
    for (const auto& [id, some] : followers_) {
        store_.find(id, [this](const base::Result<Order>& order) {
            // The answer may come at once, while we are walking: telling may remove.
            if (order) loop_.post([this, order = *order] { tell(order); });
        });
    }
}

}  // namespace orders
