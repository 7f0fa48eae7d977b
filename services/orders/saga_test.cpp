// The saga against a world of pure models: all interleavings of crashes, lost answers and impatient buyers in small
// cases, and 200 seeds of larger ones. What must always hold is checked at every end: no double charge, no lost order,
// no car sold twice, no money or vehicle held by what is over, each event once.
#include "orders/saga.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "base/rng.h"

namespace orders {
namespace {

using namespace std::chrono_literals;

const run::Time begin{std::chrono::sys_days(std::chrono::year(2026) / 1 / 1)};

/// vehicles, as its contract says: every call is repeatable.
struct Catalogue {
    std::map<std::int64_t, std::string> reserved;
    std::map<std::int64_t, std::string> sold;

    bool reserve(std::int64_t vehicle, const std::string& order) {
        if (sold.contains(vehicle)) return false;
        return reserved.try_emplace(vehicle, order).first->second == order;
    }
    bool sell(std::int64_t vehicle, const std::string& order) {
        if (sold.contains(vehicle)) return sold[vehicle] == order;
        if (!reserved.contains(vehicle) || reserved[vehicle] != order) return false;
        reserved.erase(vehicle);
        sold[vehicle] = order;
        return true;
    }
    void release(std::int64_t vehicle, const std::string& order) {
        if (reserved.contains(vehicle) && reserved[vehicle] == order) reserved.erase(vehicle);
    }
    void take_back(std::int64_t vehicle, const std::string& order) {
        if (sold.contains(vehicle) && sold[vehicle] == order) sold.erase(vehicle);
    }
};

/// payments, as its contract says: attempts are known by their key; what never came is closed by asking for it.
struct Till {
    enum class Outcome : std::uint8_t { approve, decline, later };
    struct Attempt {
        std::string order;
        std::string status;
        bool approved_later = false;
        int captures = 0;
        int refunds = 0;
    };
    std::map<std::string, Attempt> attempts;

    std::string authorize(const Order& order, Outcome outcome, bool approved_later) {
        const auto status = outcome == Outcome::approve   ? "authorized"
                            : outcome == Outcome::decline ? "declined"
                                                          : "pending";
        return attempts.try_emplace(order.attempt, Attempt{order.id, status, approved_later, 0, 0})
            .first->second.status;
    }
    std::string resolve(const Order& order) {
        auto& attempt = attempts.try_emplace(order.attempt, Attempt{order.id, "declined"}).first->second;
        return attempt.status;
    }
    /// Time makes up the gateway's mind.
    void decide() {
        for (auto& [key, attempt] : attempts) {
            if (attempt.status == "pending") attempt.status = attempt.approved_later ? "authorized" : "declined";
        }
    }
    bool release(const Order& order) {
        auto& attempt = attempts.try_emplace(order.attempt, Attempt{order.id, "declined"}).first->second;
        if (attempt.status == "captured") return false;
        if (attempt.status != "declined") attempt.status = "voided";
        return true;
    }
    bool capture(const Order& order) {
        auto& attempt = attempts[order.payment_id];
        if (attempt.status == "captured") return true;
        if (attempt.status != "authorized") return false;
        attempt.status = "captured";
        ++attempt.captures;
        return true;
    }
    void refund(const Order& order) {
        auto& attempt = attempts[order.payment_id];
        if (attempt.status == "captured") attempt.status = "refunded", ++attempt.refunds;
    }
};

struct World {
    std::map<std::string, Order> orders;  ///< the database: what survives
    std::map<std::string, std::map<std::string, int>> published;
    Catalogue catalogue;
    Till till;
    run::Time now = begin;
    int attempts = 0;
    std::set<std::string> shown;  ///< attempts whose card is still held by a living request

    Order& place(const std::string& id, std::int64_t vehicle) {
        Order order{.id = id, .vehicle_id = vehicle, .expires_at = begin + 15min, .created_at = begin};
        return orders.emplace(id, order).first->second;
    }
    /// What Conductor::apply does: reads, advances and writes in one transaction.
    bool apply(const std::string& id, const Event& event) {
        auto next = advance(orders.at(id), event, now);
        if (!next || !*next) return false;
        orders.at(id) = (**next).after;
        ++orders.at(id).revision;
        for (const auto& type : (**next).events) ++published[id][type];
        return true;
    }
    void pay(const std::string& id) {
        const auto attempt = fmt::format("attempt-{}", ++attempts);
        if (apply(id, {.happening = Happening::pay_asked, .attempt = attempt})) shown.insert(attempt);
    }
    /// The call of an order's action, made on the state that a worker has read: what came of it.
    std::optional<Event> call(const Order& order, Till::Outcome outcome, bool approved_later) {
        switch (action_of(order)) {
            case Action::reserve:
                if (!catalogue.reserve(order.vehicle_id, order.id))
                    return Event{.happening = Happening::reserve_refused};
                return Event{
                    .happening = Happening::reserved, .vehicle = "A Car", .amount = kit::Decimal::of_hundredths(100)};
            case Action::settle: {
                const bool has_card = shown.contains(order.attempt);
                return told(has_card ? till.authorize(order, outcome, approved_later) : till.resolve(order),
                            order.attempt);
            }
            case Action::sell:
                return Event{.happening = catalogue.sell(order.vehicle_id, order.id) ? Happening::sold
                                                                                     : Happening::sale_refused};
            case Action::capture:
                return Event{.happening = till.capture(order) ? Happening::captured : Happening::capture_refused};
            case Action::release_money:
                if (!till.release(order)) return std::nullopt;
                return Event{.happening = Happening::voided};
            case Action::release_vehicle:
                catalogue.release(order.vehicle_id, order.id);
                return Event{.happening = Happening::released};
            case Action::refund:
                till.refund(order);
                return Event{.happening = Happening::money_back};
            case Action::take_back:
                catalogue.take_back(order.vehicle_id, order.id);
                return Event{.happening = Happening::returned};
            case Action::none:
                break;
        }
        return std::nullopt;
    }
    static Event told(const std::string& status, const std::string& attempt) {
        const auto what = status == "authorized" ? Happening::authorized
                          : status == "pending"  ? Happening::undecided
                                                 : Happening::declined;
        return {.happening = what, .payment_id = attempt, .reason = status, .attempt = attempt};
    }
    /// Without further trouble, until nothing moves: the workers' part.
    void come_to_rest() {
        for (int round = 0; round < 100; ++round) {
            bool moved = false;
            for (auto& [id, order] : orders) {
                moved = apply(id, {.happening = Happening::time_passed}) || moved;
                if (at_rest(order)) continue;
                const auto event = call(order, Till::Outcome::approve, true);
                moved = (event && apply(id, *event)) || moved;
            }
            if (!moved) till.decide();
            const bool over = std::ranges::all_of(orders, [](const auto& one) { return at_rest(one.second); });
            if (!moved && over) return;
        }
        ADD_FAILURE() << "it does not come to rest";
    }
    std::vector<std::string> broken() const;
};

std::vector<std::string> World::broken() const {
    std::vector<std::string> wrong;
    std::map<std::int64_t, int> owners;
    for (const auto& [id, order] : orders) {
        const auto say = [&](std::string_view what) {
            wrong.push_back(fmt::format("{} ({}): {}", id, name_of(order.stage), what));
        };
        int captures = 0;
        int kept = 0;
        for (const auto& [key, attempt] : till.attempts) {
            if (attempt.order != id) continue;
            captures += attempt.captures;
            kept += attempt.captures - attempt.refunds;
            const bool open = attempt.status == "authorized" || attempt.status == "pending";
            if (open && order.stage != Stage::placed && order.stage != Stage::declined) say("money is left set aside");
            if (open && (order.stage == Stage::placed || order.stage == Stage::declined))
                say("an attempt is forgotten");
        }
        if (captures > 1) say("charged twice");
        if (kept != (order.stage == Stage::confirmed ? 1 : 0)) say("what was paid does not fit its state");
        const auto sold = catalogue.sold.find(order.vehicle_id);
        const bool has_it = sold != catalogue.sold.end() && sold->second == id;
        if (has_it != (order.stage == Stage::confirmed)) say("the vehicle does not fit its state");
        const auto held = catalogue.reserved.find(order.vehicle_id);
        const bool holds = held != catalogue.reserved.end() && held->second == id;
        const bool may_hold = order.stage == Stage::placed || order.stage == Stage::declined;
        if (holds && !may_hold) say("the vehicle is left reserved");
        if (order.stage == Stage::confirmed && ++owners[order.vehicle_id] > 1) say("the vehicle is sold twice");
        const auto events = published.find(id);
        if (events != published.end()) {
            for (const auto& [type, count] : events->second) {
                const bool repeats = type == "order.declined" || type == "order.paid";
                if (count > 1 && !repeats) say("told twice: " + type);
            }
        }
    }
    return wrong;
}

/// Choices made one after the other; `explore` runs a story for each way of making them.
class Choices {
 public:
    std::size_t pick(std::size_t ways) {
        if (at_ == made_.size()) made_.emplace_back(0, ways);
        return made_[at_++].first;
    }
    /// The next way; false after the last.
    bool advance() {
        at_ = 0;
        while (!made_.empty() && ++made_.back().first >= made_.back().second) made_.pop_back();
        return !made_.empty();
    }
    std::string text() const {
        std::string out;
        for (const auto& [choice, ways] : made_) out += fmt::format("{}/{} ", choice, ways);
        return out;
    }

 private:
    std::vector<std::pair<std::size_t, std::size_t>> made_;
    std::size_t at_ = 0;
};

using Pick = std::function<std::size_t(std::size_t)>;

/// What may happen to a worker's call: it goes well; the process dies before it; or after it, its answer unwritten; or
/// the answer is written by a worker that was slow, on what the order has become meanwhile.
enum class Fate : std::uint8_t { well, dies_before, dies_after, written_late };

struct Late {
    std::string id;
    Event event;
};

void work(World& world, const std::string& id, const Pick& pick, std::vector<Late>& late, int& troubles) {
    const Order read = world.orders.at(id);
    if (at_rest(read)) {
        world.apply(id, {.happening = Happening::time_passed});
        return;
    }
    const auto fate = troubles > 0 ? static_cast<Fate>(pick(4)) : Fate::well;
    if (fate != Fate::well) --troubles;
    if (fate == Fate::dies_before) {
        world.shown.erase(read.attempt);  // cards die with their process
        return;
    }
    const bool asks_with_card = action_of(read) == Action::settle && world.shown.contains(read.attempt);
    const auto outcome = asks_with_card ? static_cast<Till::Outcome>(pick(3)) : Till::Outcome::approve;
    const bool later = outcome == Till::Outcome::later && pick(2) == 1;
    const auto event = world.call(read, outcome, later);
    if (!event) return;
    if (fate == Fate::written_late) {
        late.push_back({id, *event});
    } else if (fate == Fate::dies_after) {
        world.shown.erase(read.attempt);
    } else {
        world.apply(id, *event);
    }
}

/// One story: `steps` of workers, buyers, time and late answers in any order.
void story(World& world, const Pick& pick, int steps, int troubles) {
    std::vector<Late> late;
    const std::size_t orders = world.orders.size();
    for (int step = 0; step < steps; ++step) {
        const auto which = std::next(world.orders.begin(), static_cast<std::ptrdiff_t>(orders > 1 ? pick(orders) : 0));
        const auto& id = which->first;
        switch (pick(6)) {
            case 0:
            case 1:
                work(world, id, pick, late, troubles);
                break;
            case 2:
                world.pay(id);
                break;
            case 3:
                world.apply(id, {.happening = pick(2) == 0 ? Happening::cancel_asked : Happening::refund_asked});
                break;
            case 4:
                world.now = begin + 16min;
                break;
            default:
                world.till.decide();
                if (late.empty()) break;
                world.apply(late.front().id, late.front().event);
                late.erase(late.begin());
        }
    }
    for (const auto& [id, event] : late) world.apply(id, event);
    world.shown.clear();  // everything starts anew
    world.come_to_rest();
}

TEST(Saga, GoesItsWayAndTellsOfIt) {
    World world;
    world.place("a", 1);
    const Pick well = [](std::size_t) { return std::size_t{0}; };
    std::vector<Late> late;
    int troubles = 0;
    work(world, "a", well, late, troubles);
    EXPECT_EQ(state_of(world.orders.at("a")), "placed");
    world.pay("a");
    EXPECT_EQ(state_of(world.orders.at("a")), "paying");
    work(world, "a", well, late, troubles);
    EXPECT_EQ(state_of(world.orders.at("a")), "paid");
    work(world, "a", well, late, troubles);
    work(world, "a", well, late, troubles);
    EXPECT_EQ(state_of(world.orders.at("a")), "confirmed");
    const std::map<std::string, int> told{{"order.confirmed", 1}, {"order.paid", 1}, {"order.placed", 1}};
    EXPECT_EQ(world.published.at("a"), told);
    EXPECT_FALSE(advance(world.orders.at("a"), {.happening = Happening::cancel_asked}, world.now));
    EXPECT_TRUE(world.apply("a", {.happening = Happening::refund_asked}));
    world.come_to_rest();
    EXPECT_EQ(state_of(world.orders.at("a")), "refunded");
    EXPECT_EQ(world.broken(), std::vector<std::string>{});
}

TEST(Saga, TakesNoHappeningThatDoesNotConcernIt) {
    for (std::size_t stage = 0; stage < stages; ++stage) {
        Order order{.id = "a", .stage = static_cast<Stage>(stage), .attempt = "now", .expires_at = begin + 15min};
        const auto stale = advance(order, {.happening = Happening::authorized, .attempt = "before"}, begin);
        ASSERT_TRUE(stale);
        EXPECT_FALSE(*stale) << "news of another attempt, " << name_of(order.stage);
        const auto early = advance(order, {.happening = Happening::time_passed}, begin);
        ASSERT_TRUE(early);
        EXPECT_FALSE(*early) << name_of(order.stage);
    }
}

TEST(Saga, EveryInterleavingOfOneOrderWithTwoTroublesHolds) {
    Choices choices;
    std::int64_t stories = 0;
    do {
        World world;
        world.place("a", 1);
        world.apply("a", *world.call(world.orders.at("a"), Till::Outcome::approve, true));
        world.pay("a");
        story(
            world, [&](std::size_t ways) { return choices.pick(ways); }, 4, 2);
        ++stories;
        ASSERT_EQ(world.broken(), std::vector<std::string>{}) << "choices " << choices.text();
    } while (choices.advance());
    RecordProperty("stories", static_cast<int>(stories));
    EXPECT_GT(stories, 10'000);
}

TEST(Saga, EveryInterleavingOfTwoOrdersForOneVehicleHolds) {
    Choices choices;
    do {
        World world;
        world.place("a", 1);
        world.place("b", 1);
        story(
            world, [&](std::size_t ways) { return choices.pick(ways); }, 4, 1);
        ASSERT_EQ(world.broken(), std::vector<std::string>{}) << "choices " << choices.text();
    } while (choices.advance());
}

TEST(Saga, TwoHundredSeedsOfManyOrdersHold) {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        base::Rng rng(seed);
        World world;
        for (int number = 0; number < 6; ++number) {
            world.place(fmt::format("order-{}", number), 1 + static_cast<std::int64_t>(rng.below(3)));
        }
        story(
            world, [&](std::size_t ways) { return static_cast<std::size_t>(rng.below(ways)); }, 150, 60);
        ASSERT_EQ(world.broken(), std::vector<std::string>{}) << "seed " << seed;
    }
}

}  // namespace
}  // namespace orders
