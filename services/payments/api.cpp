#include "payments/api.h"

#include <fmt/format.h>

#include "kit/auth/identity.h"
#include "kit/auth/secrets.h"
#include "kit/json_text.h"
#include "payments/sandbox_gateway.h"

namespace payments {
namespace {

using kit::Call;
using kit::Decimal;
using kit::DecimalField;
using kit::Need;
using kit::ObjectField;
using kit::TextField;
using kit::auth::Role;

const auto amount_field = DecimalField{Decimal::of_hundredths(1), Decimal::of_hundredths(99'999'999'99)};

const kit::Shape& payment_shape() {
    static const kit::Shape shape("PaymentInput",
                                  {{"order_id", "What is paid for.", Need::required, TextField{1, 64}},
                                   {"user_id", "Who pays.", Need::optional, TextField{0, 64}},
                                   {"email", "Where events about it may be sent.", Need::optional, TextField{0, 254}},
                                   {"amount", "Exact to the hundredth.", Need::required, amount_field},
                                   {"currency", "EUR.", Need::optional, TextField{3, 3}},
                                   {"card", "The card.", Need::required, ObjectField{&card_shape()}}});
    return shape;
}

const kit::Shape& attempt_shape() {
    static const kit::Shape shape("AttemptInput",
                                  {{"order_id", "What was to be paid for.", Need::required, TextField{1, 64}},
                                   {"user_id", "Who was to pay.", Need::optional, TextField{0, 64}},
                                   {"amount", "How much.", Need::required, amount_field},
                                   {"currency", "EUR.", Need::optional, TextField{3, 3}}});
    return shape;
}

const kit::Shape& amount_shape() {
    static const kit::Shape shape("AmountInput",
                                  {{"amount", "How much of it; without it, all.", Need::optional, amount_field}});
    return shape;
}

const kit::Shape& pay_shape() {
    static const kit::Shape shape(
        "PayInput",
        {{"order_id", "What is paid for.", Need::required, TextField{1, 64, kit::Numbers::taken_as_text}},
         {"amount", "Exact to the hundredth.", Need::required, amount_field},
         {"card", "The card; without it, one that is approved.", Need::optional, ObjectField{&card_shape()}}});
    return shape;
}

/// A busy payment is no final answer: 409 with Retry-After.
void respond(Call& call, base::Result<kit::http::Response> response) {
    if (response) return call.answer(std::move(*response));
    if (response.error().code != base::Code::too_many_requests) return call.fail(response.error());
    auto busy = kit::problem_response({.status = 409, .detail = response.error().message, .fields = {}});
    busy.headers.add("Retry-After", "1");
    call.answer(std::move(busy));
}

Respond answering(Call call) {
    return [call = std::move(call)](base::Result<kit::http::Response> response) mutable {
        respond(call, std::move(response));
    };
}

base::Result<std::string> key_of(const Call& call, Need need) {
    const auto key = call.request().headers.get("Idempotency-Key");
    if (key.empty() && need == Need::optional) return std::string();
    if (key.empty() || key.size() > kit::db::idempotency_key_max) {
        return std::unexpected(kit::invalid_fields(
            {{"Idempotency-Key", fmt::format("must have 1 to {} characters", kit::db::idempotency_key_max)}}));
    }
    return std::string(key);
}

base::Result<void> euros(const kit::Values& values) {
    if (!values.has("currency") || values.text("currency") == "EUR") return {};
    return std::unexpected(kit::invalid_fields({{"currency", "must be EUR"}}));
}

std::string scoped_attempt(std::string_view key) { return kit::db::Idempotency::scoped("service", "/payments", key); }

base::Result<void> pay(Cashier& cashier, Call& call, run::Time now) {
    const auto values = TRY(payment_shape().read_json(call.request().body));
    TRY(euros(values));
    auto card = TRY(card_of(values.text("card"), now));
    const auto key = TRY(key_of(call, Need::required));
    const Wish wish{.order_id = values.text("order_id"),
                    .user_id = values.text("user_id"),
                    .email = values.text("email"),
                    .amount = values.decimal("amount"),
                    .request = scoped_attempt(key)};
    cashier.pay(wish, std::move(card), answering(std::move(call)));
    return {};
}

base::Result<void> pay_simply(Cashier& cashier, Call& call, run::Time now) {
    const auto values = TRY(pay_shape().read_json(call.request().body));
    const auto year = static_cast<int>(std::chrono::year_month_day{std::chrono::floor<std::chrono::days>(now)}.year());
    const auto standard = fmt::format(R"({{"number":"{}","month":12,"year":{}}})", test_cards().front().number, year);
    auto card = TRY(card_of(values.has("card") ? values.text("card") : standard, now));
    auto key = TRY(key_of(call, Need::optional));
    if (key.empty()) key = kit::auth::random_uuid();
    const auto user = call.identity() ? call.identity()->user : std::string("anonymous");
    const Wish wish{.order_id = values.text("order_id"),
                    .user_id = user,
                    .email = call.identity() ? call.identity()->email : "",
                    .amount = values.decimal("amount"),
                    .capture_when = CaptureWhen::at_once,
                    .request = kit::db::Idempotency::scoped(user, "/pay", key)};
    cashier.pay(wish, std::move(card), answering(std::move(call)));
    return {};
}

base::Result<void> resolve(Cashier& cashier, Call& call, Cashier::Then then) {
    const auto values = TRY(attempt_shape().read_json(call.request().body));
    TRY(euros(values));
    const Wish wish{.order_id = values.text("order_id"),
                    .user_id = values.text("user_id"),
                    .amount = values.decimal("amount"),
                    .request = scoped_attempt(call.path("key"))};
    cashier.resolve(wish, then, answering(std::move(call)));
    return {};
}

base::Result<void> step(Cashier& cashier, Call& call, Step step) {
    Wanted wanted{.step = step, .step_id = kit::auth::random_uuid()};
    const std::string id(call.path("id"));
    if (!call.request().body.empty()) {
        const auto values = TRY(amount_shape().read_json(call.request().body));
        if (values.has("amount") && step != Step::release) wanted.amount = values.decimal("amount");
    }
    const bool part_of_it = step == Step::refund && wanted.amount;
    const auto key = TRY(key_of(call, part_of_it ? Need::required : Need::optional));
    if (step == Step::capture) wanted.step_id = fmt::format("{}-capture", id);
    const auto hash = kit::db::Idempotency::hash_of(wanted.amount ? wanted.amount->text() : "all");
    const auto route = fmt::format("/payments/{}/{}", id, name_of(step));
    if (!key.empty()) wanted.request = kit::db::Idempotency::scoped("service", route, key);
    cashier.step(id, wanted, hash, answering(std::move(call)));
    return {};
}

/// Runs what may find fault with the request before anything is done.
template <class Work>
auto checked(Work work) {
    return [work = std::move(work)](Call call) {
        if (auto done = work(call); !done) call.fail(done.error());
    };
}

base::Result<void> list(PaymentStore& store, Call& call) {
    Filter filter{.order_id = call.query("order_id").value_or("")};
    std::vector<kit::FieldProblem> problems;
    filter.paging = kit::paging_of(call, problems);
    if (filter.order_id.size() > 64) problems.push_back({"order_id", "must have at most 64 characters"});
    if (!problems.empty()) return std::unexpected(kit::invalid_fields(std::move(problems)));
    const auto& who = *call.identity();
    if (!who.has(Role::admin) && !who.has(Role::service)) filter.user_id = who.user;
    store.list(filter, [filter, call = std::move(call)](base::Result<PaymentStore::Page> page) mutable {
        if (!page) return call.fail(page.error());
        std::vector<std::string> items;
        for (const auto& payment : page->items) items.push_back(json_of(payment));
        call.answer(kit::page_of_items(items, page->total, filter.paging));
    });
    return {};
}

void show(PaymentStore& store, Call call) {
    const std::string id(call.path("id"));
    store.find(id, [id, call = std::move(call)](base::Result<Payment> payment) mutable {
        if (!payment) return call.fail(payment.error());
        if (!call.identity()->may_act_for(payment->user_id)) {
            return call.fail({base::Code::not_found, fmt::format("there is no payment {}", id)});
        }
        auto response = kit::json_response(200, json_of(*payment));
        response.headers.add("ETag", fmt::format("\"{}\"", payment->revision));
        call.answer(std::move(response));
    });
}

void answer_text(Call& call, base::Result<std::string> text) {
    if (!text) return call.fail(text.error());
    call.answer(kit::json_response(200, std::move(*text)));
}

std::string cards_text() {
    std::string text;
    kit::JsonText json(text);
    json.open('{').key("items").open('[');
    for (const auto& card : test_cards()) {
        json.open('{').field("number", card.number).field("what", card.prose).close('}');
    }
    json.close(']').close('}');
    return text;
}

void add_step(kit::Router& routes, Cashier& cashier, Step what, const std::string& verb, std::string prose) {
    routes.post(fmt::format("/payments/{{id}}/{}", verb))
        .doc(std::move(prose))
        .takes(amount_shape())
        .needs({Role::service, Role::admin})
        .replies(200, "The payment as it is now.", payment_schema())
        .replies(409, "It cannot be, or (with Retry-After) not at this moment.")
        .calls(checked([&cashier, what](Call& call) { return step(cashier, call, what); }));
}

constexpr const char* paid_schema = R"({"type":"object","required":["status","transaction_id"],"properties":{
    "status":{"type":"string"},"transaction_id":{"type":"string"},"reason":{"type":"string"}}})";
constexpr const char* movements_schema = R"({"type":"object","required":["items"],"properties":{"items":{"type":"array",
    "items":{"type":"object","required":["movement","kind","currency","account","debit","credit","booked_at"],
    "properties":{"movement":{"type":"string"},"kind":{"type":"string"},"currency":{"type":"string"},
    "account":{"type":"string"},"debit":{"type":"number"},"credit":{"type":"number"},
    "booked_at":{"type":"string","format":"date-time"}}}}}})";
constexpr const char* balance_schema = R"({"type":"object","required":["accounts","debits","credits","difference",
    "movements","unbalanced_movements","balanced"],"properties":{"accounts":{"type":"array","items":{"type":"object",
    "required":["account","currency","debits","credits","balance"]}},"debits":{"type":"number"},
    "credits":{"type":"number"},"difference":{"type":"number"},"movements":{"type":"integer"},
    "unbalanced_movements":{"type":"integer"},"balanced":{"type":"boolean"}}})";
constexpr const char* cards_schema = R"({"type":"object","required":["items"],"properties":{"items":{"type":"array",
    "items":{"type":"object","required":["number","what"],"properties":{"number":{"type":"string"},
    "what":{"type":"string"}}}}}})";

void add_making(kit::App& app, Cashier& cashier, OpenDemo open_demo) {
    auto& routes = app.routes();
    const run::Loop& clock = app.loop();
    routes.post("/payments")
        .doc("Authorizes an amount on a card. Needs an Idempotency-Key: the same request again gets the same answer.")
        .takes(payment_shape())
        .needs({Role::service})
        .replies(201, "The payment: authorized, declined, or pending (a webhook tells its outcome).", payment_schema())
        .replies(409, "The same request is being done; ask again after Retry-After.")
        .calls(checked([&](Call& call) { return pay(cashier, call, clock.now()); }));
    routes.post("/attempts/{key}/resolve")
        .doc("What became of POST /payments with that Idempotency-Key. One that never came is closed: declined.")
        .takes(attempt_shape())
        .needs({Role::service})
        .replies(200, "The payment.", payment_schema())
        .replies(409, "It is being done; ask again after Retry-After.")
        .calls(checked([&](Call& call) { return resolve(cashier, call, Cashier::Then::tell); }));
    routes.post("/attempts/{key}/void")
        .doc("The same, and what it may hold is let go.")
        .takes(attempt_shape())
        .needs({Role::service})
        .replies(200, "The payment.", payment_schema())
        .replies(409, "It has been captured; or, with Retry-After, it is being done.")
        .calls(checked([&](Call& call) { return resolve(cashier, call, Cashier::Then::release); }));
    routes.post("/pay")
        .doc("Pays at once, in one call, as small demo applications do.")
        .takes(pay_shape())
        .knows()
        .replies(200, "It is paid.", paid_schema)
        .replies(202, "Its outcome is not known yet.", paid_schema)
        .replies(402, "It is declined.", paid_schema)
        .calls(checked([&cashier, &clock, open_demo](Call& call) -> base::Result<void> {
            if (!call.identity() && open_demo == OpenDemo::off) {
                return base::fail(base::Code::unauthorized, "log in first: open-demo is off here");
            }
            return pay_simply(cashier, call, clock.now());
        }));
}

}  // namespace

void add_routes(kit::App& app, PaymentStore& store, Cashier& cashier, Ledger& ledger, OpenDemo open_demo) {
    auto& routes = app.routes();
    add_making(app, cashier, open_demo);
    add_step(routes, cashier, Step::capture, "capture", "Takes the money, or a part of what was authorized.");
    add_step(routes, cashier, Step::release, "void", "Lets go what was authorized and not captured.");
    add_step(routes, cashier, Step::refund, "refund",
             "Gives back all, or a part (which needs an Idempotency-Key, as there may be several).");
    auto all = routes.get("/payments");
    kit::paged(all)
        .doc("Lists payments, newest first: one's own; for services and admins, all.")
        .needs_login()
        .query("order_id", "Only those of that order.")
        .replies(200, "A page of payments.", kit::page_schema(payment_schema()))
        .calls(checked([&](Call& call) { return list(store, call); }));
    routes.get("/payments/{id}")
        .doc("Shows a payment.")
        .needs_login()
        .replies(200, "The payment.", payment_schema())
        .calls([&](Call call) { show(store, std::move(call)); });
    routes.get("/payments/{id}/movements")
        .doc("What the ledger holds of a payment.")
        .needs({Role::service, Role::admin})
        .replies(200, "Its entries, oldest first.", movements_schema)
        .calls([&](Call call) {
            const std::string id(call.path("id"));
            ledger.movements_of(id, [call = std::move(call)](base::Result<std::string> text) mutable {
                answer_text(call, std::move(text));
            });
        });
    routes.get("/ledger/balance")
        .doc("The sums of all accounts, and whether they balance.")
        .needs({Role::service, Role::admin})
        .replies(200, "The balance.", balance_schema)
        .calls([&](Call call) {
            ledger.balance([call = std::move(call)](base::Result<std::string> text) mutable {
                answer_text(call, std::move(text));
            });
        });
    routes.get("/sandbox/cards")
        .doc("The card numbers of the sandbox gateway, and what each does.")
        .replies(200, "The numbers.", cards_schema)
        .calls([](Call call) { call.answer(kit::json_response(200, cards_text())); });
}

}  // namespace payments
