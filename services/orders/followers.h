// Who follows an order by server-sent events: told of each change at once when this process made it, and at the next
// look when another replica did. The stream ends with the order.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kit/web/websocket.h"
#include "orders/order_store.h"

namespace orders {

class Followers {
 public:
    Followers(OrderStore& store, run::Loop& loop) : store_(store), loop_(loop) {}
    /// Answers `call` with the stream, beginning with the order as it is.
    void follow(kit::Call call, const Order& order);
    void tell(const Order& order);
    std::size_t count() const;

 private:
    struct Follower {
        std::shared_ptr<kit::EventStream> stream;
        std::int64_t revision = 0;
    };
    void look();
    void plan();
    void send(Follower& follower, const Order& order);
    void forget(const std::string& id, const kit::EventStream* stream);

    OrderStore& store_;
    run::Loop& loop_;
    std::map<std::string, std::vector<Follower>> followers_;
    run::Timer timer_;
};

}  // namespace orders
