#include "notifications/dispatcher.h"

#include <fmt/format.h>

#include <algorithm>

namespace notifications {
namespace {

using kit::db::Done;

constexpr auto keep_again = std::chrono::milliseconds(100);
constexpr std::size_t problem_max = 500;

kit::db::DueWorkOptions work_options(const DispatcherOptions& options) {
    return {.table = "deliveries",
            .at_once = 16,
            .lease = options.lease,
            .look_every = std::chrono::milliseconds(500),
            .again_first = std::chrono::milliseconds(200),
            .again_last = std::chrono::seconds(5)};
}

}  // namespace

Dispatcher::Dispatcher(Ledger& ledger, kit::db::Database& database, run::Loop& loop, kit::Log& log, base::Rng& rng,
                       kit::FaultSites& faults, DispatcherOptions options)
    : ledger_(ledger),
      loop_(loop),
      log_(log),
      rng_(rng),
      faults_(faults),
      options_(options),
      work_(std::make_unique<kit::db::DueWork>(
          database, loop, log, work_options(options),
          [this](const std::string& id, Done done) { handle(id, std::move(done)); })) {}

void Dispatcher::add(std::unique_ptr<Channel> channel, kit::Metrics& metrics) {
    const std::string name(channel->name());
    auto& way = ways_[name];
    way.channel = std::move(channel);
    way.circuit = Circuit(options_.circuit);
    const auto counter = [&](std::string_view what) {
        return &metrics.counter("notifications_deliveries_total", "Deliveries by what became of an attempt.",
                                fmt::format(R"(channel="{}",outcome="{}")", name, what));
    };
    way.sent = counter("sent");
    way.failed = counter("failed");
    way.dead = counter("dead");
    metrics.gauge(
        "notifications_channel_resting", "1 while the channel failed too often and rests.",
        [this, &way] { return way.circuit.open(loop_.now()) ? 1.0 : 0.0; }, fmt::format(R"(channel="{}")", name));
}

std::vector<std::string> Dispatcher::channels_for(const Event& event) const {
    std::vector<std::string> names;
    for (const auto& [name, way] : ways_) {
        if (way.channel->wants(event)) names.push_back(name);
    }
    return names;
}

run::Duration Dispatcher::jitter(run::Duration most) {
    return run::Duration(static_cast<run::Duration::rep>(rng_.below(static_cast<std::uint64_t>(most.count()) + 1)));
}

run::Time Dispatcher::again_after(std::int64_t attempts) {
    const auto doublings = std::clamp<std::int64_t>(attempts - 1, 0, 20);
    const auto wait = std::min(options_.again_last, options_.again_first * (std::int64_t{1} << doublings));
    return loop_.now() + wait + jitter(wait / 2);
}

void Dispatcher::stop(run::Callback done) {
    work_.reset();
    if (under_way_ == 0) return done();
    stopped_ = std::move(done);
}

void Dispatcher::handle(const std::string& id, Done done) {
    ++under_way_;
    auto over = [this, done = std::move(done)](base::Result<void> result) mutable {
        done(std::move(result));
        if (--under_way_ == 0 && stopped_) std::exchange(stopped_, nullptr)();
    };
    ledger_.delivery(id, [this, id, over = std::move(over)](base::Result<Delivery> delivery) mutable {
        loaded(id, std::move(delivery), std::move(over));
    });
}

void Dispatcher::loaded(const std::string& id, base::Result<Delivery> delivery, Done done) {
    if (!delivery) return done(std::unexpected(std::move(delivery).error()));
    if (!work_) return done({});  // its lease lapses, then it is another replica's
    const auto found = ways_.find(delivery->channel);
    if (found == ways_.end()) return ledger_.give_up(id, "this channel is not set up", std::move(done));
    auto& way = found->second;
    if (delivery->state == "sending" && options_.unsure == Unsure::hold) {
        return give_up(way, *delivery, "it is not known whether it was sent: the sender died", std::move(done));
    }
    if (!way.circuit.lets_through(loop_.now())) {
        const auto again = way.circuit.open_until() + jitter(std::chrono::seconds(1));
        return ledger_.put_off(id, kit::db::milliseconds(again), "the channel rests after failures", std::move(done));
    }
    auto begun = [this, &way, delivery = std::move(*delivery),
                  done = std::move(done)](base::Result<bool> ours) mutable {
        if (!ours) return done(std::unexpected(std::move(ours).error()));
        if (!*ours) return done({});
        ++delivery.attempts;
        attempt(way, delivery, std::move(done));
    };
    ledger_.begin(id, std::move(begun));
}

void Dispatcher::attempt(Way& way, const Delivery& delivery, Done done) {
    const auto event = event_of(delivery.body);
    if (!event) return give_up(way, delivery, event.error().message, std::move(done));
    if (!way.channel->wants(*event)) return give_up(way, delivery, "its template is gone", std::move(done));
    faults_.pass("notifications.before_send");
    way.channel->send(*event, [this, &way, delivery, done = std::move(done)](base::Result<void> result) mutable {
        faults_.pass("notifications.after_send");
        attempted(way, delivery, result, std::move(done));
    });
}

void Dispatcher::attempted(Way& way, const Delivery& delivery, const base::Result<void>& result, Done done) {
    if (result) {
        way.circuit.worked();
        way.sent->add();
        return keep_sent(delivery.id, std::move(done));
    }
    const auto why = result.error().message.substr(0, problem_max);
    if (result.error().code == base::Code::invalid) {
        way.circuit.worked();  // it answered
        return give_up(way, delivery, why, std::move(done));
    }
    way.circuit.failed(loop_.now());
    way.failed->add();
    log_.warn("a notification could not be sent",
              {{"id", delivery.id}, {"attempt", delivery.attempts}, {"error", why}});
    if (delivery.attempts >= options_.attempts_max) return give_up(way, delivery, why, std::move(done));
    ledger_.put_off(delivery.id, kit::db::milliseconds(again_after(delivery.attempts)), why, std::move(done));
}

/// Nothing else may happen to it now: writing is tried until the database takes it.
void Dispatcher::keep_sent(const std::string& id, Done done) {
    ledger_.sent(id, [this, id, done = std::move(done)](base::Result<void> kept) mutable {
        if (kept) {
            keeping_.erase(id);
            return done({});
        }
        keeping_[id] =
            loop_.after(keep_again, [this, id, done = std::move(done)]() mutable { keep_sent(id, std::move(done)); });
    });
}

void Dispatcher::give_up(Way& way, const Delivery& delivery, const std::string& why, Done done) {
    way.dead->add();
    log_.warn("a notification is given up", {{"id", delivery.id}, {"error", why}});
    ledger_.give_up(delivery.id, why, std::move(done));
}

}  // namespace notifications
