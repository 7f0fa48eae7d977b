#include "payments/cashier.h"

#include <fmt/format.h>

#include "kit/auth/secrets.h"
#include "kit/json_text.h"
#include "kit/web/call.h"
#include "kit/web/events.h"

namespace payments {
namespace {

using kit::db::Idempotency;
using kit::db::KeptAnswer;
using kit::db::Session;
using kit::db::Statement;

kit::db::DueWorkOptions work_options(run::Duration lease) {
    return {.table = "payments", .lease = lease, .look_every = std::chrono::milliseconds(500)};
}

/// The answer to who asked for the payment. Who wanted all at once is told in the words of a simple `POST /pay`.
KeptAnswer answer_of(const Payment& payment) {
    if (payment.capture_when == CaptureWhen::asked) {
        return {201, json_of(payment), fmt::format("/payments/{}", payment.id)};
    }
    std::string text;
    kit::JsonText json(text);
    const bool captured = payment.status == Status::captured || payment.status == Status::refunded;
    json.open('{').field("status", captured ? std::string_view("success") : name_of(payment.status));
    json.field("transaction_id", payment.id);
    if (!payment.reason.empty()) json.field("reason", payment.reason);
    json.close('}');
    const bool refused = payment.status == Status::declined || payment.status == Status::voided;
    return {refused ? 402 : captured ? 200 : 202, std::move(text), ""};
}

kit::http::Response payment_response(const Payment& payment) { return kit::json_response(200, json_of(payment)); }

bool settled_for_now(const Payment& payment) { return payment.step == Step::none || payment.step == Step::settle; }

base::Error busy() { return {base::Code::too_many_requests, "the payment is being worked on at this moment"}; }

}  // namespace

Cashier::Cashier(PaymentStore& store, run::Loop& loop, kit::Log& log, Gateway& gateway, kit::db::Outbox& outbox,
                 Webhooks& webhooks, kit::FaultSites& faults, CashierOptions options)
    : store_(store),
      loop_(loop),
      log_(log),
      gateway_(gateway),
      outbox_(outbox),
      webhooks_(webhooks),
      faults_(faults),
      options_(options),
      work_(store.database(), loop, log, work_options(options.lease),
            [this](const std::string& id, kit::db::Done done) {
                store_.find(id, [this, done = std::move(done)](base::Result<Payment> payment) mutable {
                    if (!payment) return done(std::unexpected(std::move(payment).error()));
                    drive(*payment, std::nullopt, [done = std::move(done)](base::Result<Payment> driven) mutable {
                        done(driven ? base::Result<void>{} : std::unexpected(std::move(driven).error()));
                    });
                });
            }) {}

run::Time Cashier::this_moment() const { return std::chrono::floor<std::chrono::milliseconds>(loop_.now()); }

void Cashier::forget(run::Duration age) {
    auto statement = Idempotency::forget(loop_.now() - age);
    store_.database().run(std::move(statement.sql), std::move(statement.parameters),
                          [](const base::Result<kit::db::Rows>&) {});
    webhooks_.forget(age);
}

Payment Cashier::made_of(const Wish& wish) const {
    const auto now = this_moment();
    return {.id = kit::auth::time_uuid(now),
            .order_id = wish.order_id,
            .user_id = wish.user_id,
            .email = wish.email,
            .amount = wish.amount,
            .capture_when = wish.capture_when,
            .request = wish.request,
            .created_at = now,
            .updated_at = now,
            .due_at = now};
}

void Cashier::pay(const Wish& wish, Card card, Respond respond) {
    auto payment = made_of(wish);
    payment.step = Step::authorize;
    payment.brand = card.brand();
    payment.last4 = card.last4();
    // The number itself is not in the hash: a hash of it could be tried out.
    const auto hash =
        Idempotency::hash_of(fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}", wish.order_id, wish.user_id, wish.amount.text(),
                                         payment.last4, card.month, card.year, card.holder));
    faults_.pass("payments.before_begin");
    store_.open(payment, hash, std::nullopt, work_.lease_end(),
                [this, payment, card = std::move(card),
                 respond = std::move(respond)](base::Result<PaymentStore::Opened> result) mutable {
                    opened(payment, std::move(card), std::move(result), std::move(respond));
                });
}

void Cashier::opened(const Payment& payment, Card card, base::Result<PaymentStore::Opened> result, Respond respond) {
    if (!result && result.error().code == base::Code::already_exists) return respond(Idempotency::still_running());
    if (!result) return respond(std::unexpected(std::move(result).error()));
    if (result->known && result->known->answer) return respond(Idempotency::response_of(*result->known->answer));
    if (result->known) return respond(Idempotency::still_running());
    faults_.pass("payments.begun");
    drive(payment, std::move(card),
          [this, id = payment.id, request = payment.request,
           respond = std::move(respond)](base::Result<Payment> driven) mutable {
              if (!driven) {
                  leave_to_worker(id);
                  return respond(std::unexpected(std::move(driven).error()));
              }
              answer_kept(request, std::move(respond));
          });
}

void Cashier::answer_kept(const std::string& request, Respond respond) {
    store_.known(request,
                 [respond = std::move(respond)](base::Result<std::optional<kit::db::KnownRequest>> known) mutable {
                     if (!known) return respond(std::unexpected(std::move(known).error()));
                     if (!*known || !(*known)->answer) return respond(Idempotency::still_running());
                     respond(Idempotency::response_of(*(*known)->answer));
                 });
}

struct Cashier::Begun {
    std::optional<KeptAnswer> kept;
    Payment payment;
};

void Cashier::begin_in(Session& session, const std::string& id, const Wanted& wanted, const std::string& hash,
                       const std::shared_ptr<Begun>& begun, kit::db::Done finish) {
    auto read = [=, this, &session](bool is_new, kit::db::Done done) {
        auto loaded = [=, this, &session, done = std::move(done)](base::Result<Payment> payment) mutable {
            if (!payment) return done(std::unexpected(std::move(payment).error()));
            auto next = begin(*payment, wanted);
            if (!next) return done(std::unexpected(std::move(next).error()));
            begun->payment = *next;
            const bool begins = next->step != payment->step;
            if (!begins) return done({});
            begun->payment.updated_at = begun->payment.due_at = this_moment();
            ++begun->payment.revision;
            std::vector<Statement> statements{
                PaymentStore::update(begun->payment, payment->revision, work_.lease_end())};
            if (is_new) statements.push_back(Idempotency::begin(wanted.request, hash, id, loop_.now()));
            kit::db::run_all(session, std::move(statements), std::move(done));
        };
        store_.find(session, id, std::move(loaded));
    };
    if (wanted.request.empty()) return read(false, std::move(finish));
    Idempotency::find(
        session, wanted.request, hash,
        [begun, read, finish = std::move(finish)](base::Result<std::optional<kit::db::KnownRequest>> known) mutable {
            if (!known) return finish(std::unexpected(std::move(known).error()));
            if (*known && (*known)->answer) {
                begun->kept = (*known)->answer;
                return finish({});
            }
            read(!known->has_value(), std::move(finish));
        });
}

void Cashier::step(const std::string& id, const Wanted& wanted, const std::string& hash, Respond respond) {
    auto begun = std::make_shared<Begun>();
    auto work = [=, this](Session& session, kit::db::Done finish) {
        begin_in(session, id, wanted, hash, begun, std::move(finish));
    };
    store_.database().transact(
        std::move(work), [this, begun, respond = std::move(respond)](base::Result<void> result) mutable {
            if (!result) {
                const bool raced = result.error().code == base::Code::conflict && begun->payment.step != Step::none;
                return respond(std::unexpected(raced ? busy() : std::move(result).error()));
            }
            if (begun->kept) return respond(Idempotency::response_of(*begun->kept));
            if (begun->payment.step == Step::none) return respond(payment_response(begun->payment));
            faults_.pass("payments.step_begun");
            auto driven = [this, id = begun->payment.id,
                           respond = std::move(respond)](base::Result<Payment> result) mutable {
                if (result) return respond(payment_response(*result));
                leave_to_worker(id);
                respond(std::unexpected(std::move(result).error()));
            };
            drive(begun->payment, std::nullopt, std::move(driven));
        });
}

void Cashier::resolve(const Wish& wish, Then then, Respond respond) {
    store_.known(wish.request, [=, this, respond = std::move(respond)](
                                   base::Result<std::optional<kit::db::KnownRequest>> known) mutable {
        if (!known) return respond(std::unexpected(std::move(known).error()));
        if (!*known) return close(wish, std::move(respond));
        store_.find((*known)->subject, [=, this, respond = std::move(respond)](base::Result<Payment> payment) mutable {
            if (!payment) return respond(std::unexpected(std::move(payment).error()));
            const bool at_work = payment->lease_until > kit::db::milliseconds(loop_.now());
            if (payment->step == Step::authorize && at_work) return respond(std::unexpected(busy()));
            if (then == Then::release && payment->step != Step::authorize) {
                return step(payment->id, {.step = Step::release}, "", std::move(respond));
            }
            auto driven = [=, this, respond = std::move(respond)](base::Result<Payment> result) mutable {
                if (!result) return respond(std::unexpected(std::move(result).error()));
                if (then == Then::tell) return respond(payment_response(*result));
                step(result->id, {.step = Step::release}, "", std::move(respond));
            };
            drive(*payment, std::nullopt, std::move(driven));
        });
    });
}

/// Somebody else opened it at the same moment.
static base::Error busy_if_raced(base::Error error) {
    return error.code == base::Code::already_exists ? busy() : std::move(error);
}

/// A request that never came, and that shall find itself declined should it still come.
void Cashier::close(const Wish& wish, Respond respond) {
    auto payment = made_of(wish);
    payment.status = Status::declined;
    payment.reason = "interrupted";
    const KeptAnswer kept = answer_of(payment);
    store_.open(payment, std::string(kit::db::any_request), kept, 0,
                [=, this, respond = std::move(respond)](base::Result<PaymentStore::Opened> result) mutable {
                    if (!result) return respond(std::unexpected(busy_if_raced(std::move(result).error())));
                    if (result->known) return respond(std::unexpected(busy()));
                    respond(payment_response(payment));
                });
}

void Cashier::drive(const Payment& payment, std::optional<Card> card, Answer<Payment> done) {
    if (payment.step == Step::none) return done(payment);
    faults_.pass(fmt::format("payments.before_{}", name_of(payment.step)));
    ask_gateway(payment, card, [=, this, done = std::move(done)](base::Result<Ruling> ruling) mutable {
        faults_.pass(fmt::format("payments.after_{}", name_of(payment.step)));
        auto change =
            ruling ? std::optional(apply(payment, *ruling, this_moment())) : apply_silence(payment, this_moment());
        if (!change) {
            return done(base::fail(base::Code::unavailable, "the gateway does not answer; it is tried again"));
        }
        save(payment, *change, [this, done = std::move(done)](base::Result<Payment> saved) mutable {
            if (!saved || settled_for_now(*saved)) return done(std::move(saved));
            drive(*saved, std::nullopt, std::move(done));
        });
    });
}

/// Calls `ruled` once, whatever the gateway does: an Error when its time is over.
void Cashier::ask_gateway(const Payment& payment, const std::optional<Card>& card, Ruled ruled) {
    struct Waiting {
        Ruled ruled;
        run::Timer timer;
        void tell(base::Result<Ruling> ruling) {
            timer.cancel();
            if (ruled) std::exchange(ruled, nullptr)(std::move(ruling));
        }
    };
    auto waiting = std::make_shared<Waiting>();
    waiting->ruled = std::move(ruled);
    waiting->timer = loop_.after(options_.gateway_timeout, [waiting] {
        auto kept = waiting;  // the timer that runs this is dropped by it
        kept->tell(base::fail(base::Code::timeout, "the gateway does not answer"));
    });
    auto tell = [waiting](base::Result<Ruling> ruling) { waiting->tell(std::move(ruling)); };
    const Charge charge{payment.id, payment.amount, payment.currency};
    switch (payment.step) {
        case Step::authorize:
            if (card) return gateway_.authorize(charge, *card, std::move(tell));
            return gateway_.settle(charge, std::move(tell));
        case Step::settle:
            return gateway_.settle(charge, std::move(tell));
        case Step::capture:
            return gateway_.capture(charge, payment.step_id, payment.step_amount, std::move(tell));
        case Step::release:
            return gateway_.release(charge, std::move(tell));
        case Step::refund:
            return gateway_.refund(charge, payment.step_id, payment.step_amount, std::move(tell));
        case Step::none:
            break;
    }
}

std::int64_t Cashier::lease_for(const Payment& payment) const {
    return settled_for_now(payment) ? 0 : work_.lease_end();
}

std::vector<Statement> Cashier::statements_of(const Payment& before, const Change& change) const {
    const auto now = loop_.now();
    const auto& after = change.after;
    std::vector<Statement> statements{PaymentStore::update(after, before.revision, lease_for(after))};
    for (const auto& movement : change.movements) Ledger::book(statements, movement, after.currency, now);
    if (change.webhook) statements.push_back(Webhooks::telling(kit::auth::random_uuid(), after, now));
    if (settled_for_now(after)) statements.push_back(Idempotency::finish(after.request, answer_of(after)));
    if (!before.step_request.empty() && after.step_request.empty()) {
        statements.push_back(Idempotency::finish(before.step_request, {200, json_of(after), ""}));
    }
    return statements;
}

std::vector<kit::db::Event> Cashier::events_of(const Change& change) const {
    std::vector<kit::db::Event> events;
    const auto& payment = change.after;
    std::string data;
    kit::JsonText json(data);
    json.open('{').field("payment_id", payment.id).field("order_id", payment.order_id);
    json.field("amount", payment.amount).field("currency", payment.currency).field("status", name_of(payment.status));
    json.field("captured", payment.captured).field("refunded", payment.refunded);
    if (!payment.reason.empty()) json.field("reason", payment.reason);
    json.close('}');
    for (const auto& type : change.events) {
        const kit::EventDraft draft{.type = type,
                                    .source = "payments",
                                    .subject = fmt::format("payment/{}", payment.id),
                                    .user_id = payment.user_id,
                                    .email = payment.email,
                                    .data = data};
        events.push_back(kit::make_event(kit::auth::random_uuid(), draft, loop_.now()));
    }
    return events;
}

void Cashier::save(const Payment& before, const Change& change, Answer<Payment> done) {
    auto events = events_of(change);
    auto work = [this, statements = statements_of(before, change), events](Session& session,
                                                                           kit::db::Done finish) mutable {
        auto written = [this, &session, events, finish = std::move(finish)](base::Result<void> result) mutable {
            if (!result || events.empty()) return finish(std::move(result));
            outbox_.add(session, std::move(events.front()), std::move(finish));  // a change tells of one thing
        };
        kit::db::run_all(session, std::move(statements), std::move(written));
    };
    faults_.pass("payments.before_save");
    store_.database().transact(std::move(work),
                               [this, before, change, done = std::move(done)](base::Result<void> result) mutable {
                                   if (!result && result.error().code == base::Code::conflict)
                                       return store_.find(before.id, std::move(done));
                                   if (!result) return done(std::unexpected(std::move(result).error()));
                                   faults_.pass("payments.saved");
                                   outbox_.wake();
                                   if (change.webhook) webhooks_.wake();
                                   auto saved = change.after;
                                   saved.revision = before.revision + 1;
                                   done(std::move(saved));
                               });
}

/// A request could not bring it to its end: the worker goes on soon, rather than at the lease's end.
void Cashier::leave_to_worker(const std::string& id) {
    const auto soon = kit::db::milliseconds(loop_.now() + std::chrono::milliseconds(200));
    store_.database().run(
        "UPDATE payments SET lease_until = 0, due_at = $1 WHERE id = $2 AND lease_until > 0 AND tries = 0",
        {std::to_string(soon), id}, [](const base::Result<kit::db::Rows>&) {});
}

}  // namespace payments
