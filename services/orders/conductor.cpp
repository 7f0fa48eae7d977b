#include "orders/conductor.h"

#include <fmt/format.h>

#include "kit/auth/secrets.h"
#include "kit/problem.h"
#include "kit/web/events.h"
#include "orders/order_json.h"

namespace orders {
namespace {

using kit::db::Idempotency;
using kit::db::KeptAnswer;
using kit::db::KnownRequest;
using kit::db::Session;
using kit::db::Statement;

kit::db::DueWorkOptions work_options(run::Duration lease) {
    return {.table = "orders", .lease = lease, .look_every = std::chrono::milliseconds(500)};
}

/// The order waits for somebody, or for time to pass.
bool waits(const Order& order) { return at_rest(order) || order.stage == Stage::pending; }

bool being_paid(const Order& order) { return order.stage == Stage::paying || order.stage == Stage::pending; }

/// The answer to who placed it, for good.
KeptAnswer answer_of(const Order& order) {
    const bool rejected = order.stage == Stage::rejected || order.goal == Stage::rejected;
    if (!rejected) return {201, json_of(order), fmt::format("/orders/{}", order.id)};
    const bool missing = order.reason == "no_such_vehicle";
    const auto problem = kit::problem_response(
        {.status = missing ? 404 : 409,
         .detail = missing ? fmt::format("there is no vehicle {}", order.vehicle_id)
                           : fmt::format("vehicle {} is not available any more", order.vehicle_id),
         .fields = {}});
    return {problem.status, *problem.body, ""};
}

}  // namespace

Conductor::Conductor(OrderStore& store, run::Loop& loop, kit::Log& log, Partners& partners, kit::db::Outbox& outbox,
                     kit::FaultSites& faults, ConductorOptions options)
    : store_(store),
      loop_(loop),
      log_(log),
      partners_(partners),
      outbox_(outbox),
      faults_(faults),
      options_(options),
      work_(store.database(), loop, log, work_options(options.lease),
            [this](const std::string& id, kit::db::Done done) { look(id, std::move(done)); }) {}

run::Time Conductor::this_moment() const { return std::chrono::floor<std::chrono::milliseconds>(loop_.now()); }

void Conductor::forget(run::Duration age) {
    auto statement = Idempotency::forget(loop_.now() - age);
    store_.database().run(std::move(statement.sql), std::move(statement.parameters),
                          [](const base::Result<kit::db::Rows>&) {});
}

Order Conductor::made_for(const Buyer& buyer) const {
    const auto now = this_moment();
    return {.id = kit::auth::time_uuid(now),
            .user_id = buyer.user_id,
            .email = buyer.email,
            .traceparent = buyer.traceparent,
            .expires_at = now + options_.order_ttl,
            .created_at = now,
            .updated_at = now};
}

void Conductor::place(const Buyer& buyer, std::int64_t vehicle_id, const std::string& key, Respond respond) {
    auto order = made_for(buyer);
    order.vehicle_id = vehicle_id;
    order.request = Idempotency::scoped(buyer.user_id, "/orders", key.empty() ? order.id : key);
    const auto hash = Idempotency::hash_of(std::to_string(vehicle_id));
    auto found = std::make_shared<std::optional<KnownRequest>>();
    faults_.pass("orders.before_begin");
    auto work = [this, order, hash, found](Session& session, kit::db::Done finish) {
        auto known = [this, order, hash, found, &session,
                      finish = std::move(finish)](base::Result<std::optional<KnownRequest>> request) mutable {
            if (!request) return finish(std::unexpected(std::move(request).error()));
            *found = std::move(*request);
            if (*found) return finish({});
            std::vector<Statement> statements{Idempotency::begin(order.request, hash, order.id, loop_.now()),
                                              OrderStore::insert(order, work_.lease_end())};
            kit::db::run_all(session, std::move(statements), std::move(finish));
        };
        Idempotency::find(session, order.request, hash, std::move(known));
    };
    store_.database().transact(std::move(work),
                               [this, order, found, respond = std::move(respond)](base::Result<void> done) mutable {
                                   base::Result<std::optional<KnownRequest>> known(std::move(*found));
                                   if (!done) known = std::unexpected(std::move(done).error());
                                   placed(order, std::move(known), std::move(respond));
                               });
}

void Conductor::placed(const Order& order, base::Result<std::optional<KnownRequest>> known, Respond respond) {
    if (!known && known.error().code == base::Code::already_exists) return respond(Idempotency::still_running());
    if (!known) return respond(std::unexpected(std::move(known).error()));
    if (*known && (*known)->answer) return respond(Idempotency::response_of(*(*known)->answer));
    if (*known) return respond(Idempotency::still_running());
    faults_.pass("orders.begun");
    drive(order, std::nullopt, [this, id = order.id, respond = std::move(respond)](base::Result<Paid> driven) mutable {
        if (!driven) {
            return leave_to_worker(id, [error = driven.error(), respond = std::move(respond)](const auto&) mutable {
                respond(std::unexpected(std::move(error)));
            });
        }
        if (driven->order.stage == Stage::placing) return respond(Idempotency::still_running());
        respond(Idempotency::response_of(answer_of(driven->order)));
    });
}

void Conductor::place_simple(const Buyer& buyer, Simple simple, std::optional<kit::Decimal> amount,
                             Answer<Order> done) {
    auto order = made_for(buyer);
    order.vehicle = fmt::format("{} x {}", simple.quantity, simple.item);
    order.amount = amount.value_or(kit::Decimal());
    order.stage = amount ? Stage::placed : Stage::confirmed;
    if (!amount) order.confirmed_at = order.created_at;
    simple.order_id = order.id;
    const Transition transition{order, {"order.placed"}};
    auto work = [this, order, simple, events = events_of(transition)](Session& session, kit::db::Done finish) mutable {
        auto written = [this, &session, events, finish = std::move(finish)](base::Result<void> result) mutable {
            if (!result) return finish(std::move(result));
            outbox_.add(session, std::move(events.front()), std::move(finish));
        };
        std::vector<Statement> statements{OrderStore::insert(order, 0), OrderStore::insert(simple),
                                          OrderStore::remember(order, "placed")};
        kit::db::run_all(session, std::move(statements), std::move(written));
    };
    store_.database().transact(std::move(work),
                               [this, order, done = std::move(done)](base::Result<void> result) mutable {
                                   if (!result) return done(std::unexpected(std::move(result).error()));
                                   outbox_.wake();
                                   done(order);
                               });
}

void Conductor::pay(const std::string& id, const Payment& payment, Answer<Paid> done) {
    const Event event{
        .happening = Happening::pay_asked, .attempt = kit::auth::random_uuid(), .attempt_key = payment.key};
    auto applied = [this, payment, done = std::move(done)](base::Result<Applied> result) mutable {
        if (!result) return done(std::unexpected(std::move(result).error()));
        if (!result->moved) return done(Paid{std::move(result->order), std::nullopt});  // this key was used for it
        faults_.pass("orders.pay_begun");
        auto driven = [this, id = result->order.id, done = std::move(done)](base::Result<Paid> paid) mutable {
            if (paid) return done(std::move(paid));
            as_it_is(id, std::move(done));
        };
        drive(result->order, payment.card, std::move(driven));
    };
    apply(id, event, std::move(applied));
}

void Conductor::ask(const std::string& id, Happening what, Answer<Order> done) {
    auto applied = [this, done = std::move(done)](base::Result<Applied> result) mutable {
        if (!result) return done(std::unexpected(std::move(result).error()));
        if (!result->moved) return done(std::move(result->order));
        faults_.pass("orders.ask_begun");
        drive(result->order, std::nullopt,
              [this, id = result->order.id, done = std::move(done)](base::Result<Paid> driven) mutable {
                  if (driven) return done(std::move(driven->order));
                  as_it_is(id, [done = std::move(done)](base::Result<Paid> paid) mutable {
                      if (!paid) return done(std::unexpected(std::move(paid).error()));
                      done(std::move(paid->order));
                  });
              });
    };
    apply(id, {.happening = what}, std::move(applied));
}

/// What could not be done now is done later: the order is answered as it stands.
void Conductor::as_it_is(const std::string& id, Answer<Paid> done) {
    leave_to_worker(id, [this, id, done = std::move(done)](const base::Result<void>&) mutable {
        store_.find(id, [done = std::move(done)](base::Result<Order> order) mutable {
            if (!order) return done(std::unexpected(std::move(order).error()));
            done(Paid{std::move(*order), std::nullopt});
        });
    });
}

void Conductor::hear(const PaymentNews& news, kit::db::Done done) {
    store_.find(news.order_id, [this, news, done = std::move(done)](base::Result<Order> order) mutable {
        if (!order && order.error().code == base::Code::not_found) return done({});
        if (!order) return done(std::unexpected(std::move(order).error()));
        if (!being_paid(*order) || order->payment_id != news.payment_id) {
            // The answer to the attempt itself may be on its way still; the worker will ask.
            return done({});
        }
        apply(order->id, event_of(news, order->attempt),
              [this, done = std::move(done)](base::Result<Applied> applied) mutable {
                  if (!applied) return done(std::unexpected(std::move(applied).error()));
                  done({});
                  if (!applied->moved || waits(applied->order)) return;
                  drive(applied->order, std::nullopt, [this, id = applied->order.id](const base::Result<Paid>& driven) {
                      if (!driven) leave_to_worker(id, [](const base::Result<void>&) {});
                  });
              });
    });
}

void Conductor::apply(const std::string& id, const Event& event, Answer<Applied> done) {
    auto applied = std::make_shared<Applied>();
    auto work = [this, id, event, applied](Session& session, kit::db::Done finish) {
        auto found = [this, event, applied, &session, finish = std::move(finish)](base::Result<Order> order) mutable {
            if (!order) return finish(std::unexpected(std::move(order).error()));
            applied->order = *order;
            const bool again = event.happening == Happening::pay_asked && !event.attempt_key.empty() &&
                               event.attempt_key == order->attempt_key;
            if (again) return finish({});
            auto next = advance(*order, event, this_moment());
            if (!next) return finish(std::unexpected(std::move(next).error()));
            if (!*next) return finish({});
            auto& transition = **next;
            ++transition.after.revision;
            applied->moved = true;
            applied->order = transition.after;
            write(session, *order, transition, event, std::move(finish));
        };
        store_.find(session, id, std::move(found));
    };
    faults_.pass(fmt::format("orders.before_{}", name_of(event.happening)));
    store_.database().transact(std::move(work), [this, applied, what = event.happening,
                                                 done = std::move(done)](base::Result<void> result) mutable {
        if (!result) return done(std::unexpected(std::move(result).error()));
        if (applied->moved) {
            faults_.pass(fmt::format("orders.after_{}", name_of(what)));
            outbox_.wake();
            if (changed_) changed_(applied->order);
        }
        done(std::move(*applied));
    });
}

void Conductor::write(Session& session, const Order& before, const Transition& transition, const Event& event,
                      kit::db::Done finish) {
    const auto& after = transition.after;
    std::vector<Statement> statements{OrderStore::update(after, before.revision, lease_for(after), loop_.now()),
                                      OrderStore::remember(after, name_of(event.happening))};
    if (before.stage == Stage::placing) statements.push_back(Idempotency::finish(after.request, answer_of(after)));
    auto written = [this, &session, events = events_of(transition),
                    finish = std::move(finish)](base::Result<void> result) mutable {
        if (!result || events.empty()) return finish(std::move(result));
        outbox_.add(session, std::move(events.front()), std::move(finish));  // a transition tells of one thing
    };
    kit::db::run_all(session, std::move(statements), std::move(written));
}

std::vector<kit::db::Event> Conductor::events_of(const Transition& transition) const {
    std::vector<kit::db::Event> events;
    const auto& order = transition.after;
    for (const auto& type : transition.events) {
        const kit::EventDraft draft{.type = type,
                                    .source = "orders",
                                    .subject = fmt::format("order/{}", order.id),
                                    .user_id = order.user_id,
                                    .email = order.email,
                                    .traceparent = order.traceparent,
                                    .data = event_data(order)};
        events.push_back(kit::make_event(kit::auth::random_uuid(), draft, loop_.now()));
    }
    return events;
}

void Conductor::look(const std::string& id, kit::db::Done done) {
    auto ended = [done = std::move(done)](base::Result<Paid> driven) mutable {
        done(driven ? base::Result<void>{} : std::unexpected(std::move(driven).error()));
    };
    auto timed = [this, ended = std::move(ended)](base::Result<Applied> applied) mutable {
        if (!applied) return ended(std::unexpected(std::move(applied).error()));
        if (at_rest(applied->order) && !applied->moved) {
            // It was claimed a moment before its time: the claim must end.
            return ended(base::fail(base::Code::unavailable, "it is not due yet"));
        }
        drive(applied->order, std::nullopt, std::move(ended));
    };
    apply(id, {.happening = Happening::time_passed}, std::move(timed));
}

void Conductor::drive(const Order& order, std::optional<std::string> card, Answer<Paid> done) {
    if (at_rest(order)) return done(Paid{order, std::nullopt});
    const auto action = action_of(order);
    faults_.pass(fmt::format("orders.before_{}", name_of(action)));
    partners_.perform(order, card, [this, order, action, done = std::move(done)](base::Result<Told> told) mutable {
        faults_.pass(fmt::format("orders.after_{}", name_of(action)));
        heard(order, std::move(told), std::move(done));
    });
}

void Conductor::heard(const Order& order, base::Result<Told> told, Answer<Paid> done) {
    if (!told) return done(std::unexpected(std::move(told).error()));
    auto refusal = std::move(told->refusal);
    auto applied = [this, refusal = std::move(refusal), done = std::move(done)](base::Result<Applied> result) mutable {
        if (!result) return done(std::unexpected(std::move(result).error()));
        auto& now = result->order;
        if (result->moved && !waits(now)) return drive(now, std::nullopt, std::move(done));
        if (!result->moved && now.stage == Stage::pending) {
            return done(base::fail(base::Code::unavailable, "the gateway has not decided yet"));
        }
        done(Paid{std::move(now), std::move(refusal)});
    };
    apply(order.id, told->event, std::move(applied));
}

/// A request could not bring it to its end: the worker goes on soon, rather than at the lease's end.
void Conductor::leave_to_worker(const std::string& id, kit::db::Done done) {
    const auto soon = kit::db::milliseconds(loop_.now() + std::chrono::milliseconds(200));
    store_.database().run(
        "UPDATE orders SET lease_until = 0, due_at = $1 WHERE id = $2 AND lease_until > 0 AND tries = 0",
        {std::to_string(soon), id}, [done = std::move(done)](base::Result<kit::db::Rows> rows) mutable {
            done(rows ? base::Result<void>{} : std::unexpected(std::move(rows).error()));
        });
}

std::int64_t Conductor::lease_for(const Order& order) const { return waits(order) ? 0 : work_.lease_end(); }

}  // namespace orders
