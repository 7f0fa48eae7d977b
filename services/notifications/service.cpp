#include "notifications/service.h"

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "notifications/api.h"

namespace notifications {
namespace {

constexpr auto look_every = std::chrono::milliseconds(700);
constexpr auto forget_every = std::chrono::minutes(10);

std::string consumer_name() {
    char host[256] = "host";
    gethostname(host, sizeof host - 1);
    return fmt::format("{}-{}", host, getpid());
}

base::Result<std::unique_ptr<kit::mail::Smtp>> open_smtp(kit::App& app, const Settings& settings) {
    auto options = TRY(kit::mail::smtp_options(*settings.smtp));
    options.timeout = *settings.lease / 2;  // it must be over before somebody else may take the delivery up
    TRY(kit::mail::address_of(*settings.mail_from));
    if (!settings.mail_ca->empty()) {
        std::ifstream in(*settings.mail_ca);
        std::stringstream text;
        text << in.rdbuf();
        if (!in) return base::fail(base::Code::invalid, fmt::format("the file {} cannot be read", *settings.mail_ca));
        options.ca_pem = text.str();
    }
    return kit::mail::make_smtp(app.io(), std::move(options));
}

void add_channels(kit::App& app, const Settings& settings, const Templates& templates, Dispatcher& dispatcher) {
    if (settings.smtp->empty()) {
        dispatcher.add(log_channel(app.log(), templates), app.metrics());
    } else {
        auto smtp = open_smtp(app, settings);
        if (!smtp) return app.give_up(std::move(smtp).error());
        auto& owned = app.own<std::unique_ptr<kit::mail::Smtp>>(std::move(*smtp));
        dispatcher.add(email_channel(*owned, *settings.mail_from, app.loop(), templates), app.metrics());
    }
    if (settings.webhook->empty()) return;
    WebhookOptions options{.url = *settings.webhook,
                           .secret = settings.webhook_secret->text,
                           .types = *settings.webhook_types,
                           .timeout = std::min<run::Duration>(std::chrono::seconds(5), *settings.lease / 2)};
    dispatcher.add(webhook_channel(app.client(), app.loop(), std::move(options)), app.metrics());
}

void consume(kit::App& app, kit::redis::Redis& redis, Intake& intake) {
    kit::redis::ConsumerOptions options{.group = "notifications", .consumer = consumer_name()};
    app.own<kit::redis::Consumer>(redis, app.loop(), app.log(), std::move(options),
                                  [&intake](const kit::redis::Entry& entry, std::move_only_function<void(bool)> done) {
                                      intake.take_entry(entry, std::move(done));
                                  });
}

bool open_to_all(const Settings& settings) {
    const bool embedded = settings.database->text.starts_with("sqlite:");
    return *settings.open_demo == "on" || (*settings.open_demo == "auto" && embedded);
}

}  // namespace

void assemble(kit::App& app, const Settings& settings) {
    auto& database = app.database(*settings.database, Ledger::migrations());
    app.verify_with({.jwks_url = *settings.jwks, .service_token = settings.service_token->text});
    auto loaded = Templates::load(*settings.site, *settings.templates);
    if (!loaded) return app.give_up(std::move(loaded).error());
    auto& templates = app.own<Templates>(std::move(*loaded));
    auto& faults = app.own<kit::FaultSites>(*settings.crash_at);
    auto& ledger = app.own<Ledger>(database, app.loop());
    DispatcherOptions options{.attempts_max = *settings.attempts,
                              .again_first = *settings.again,
                              .lease = *settings.lease,
                              .unsure = *settings.unsure == "hold" ? Unsure::hold : Unsure::send_again,
                              .circuit = {}};
    auto& dispatcher =
        app.own<Dispatcher>(ledger, database, app.loop(), app.log(), app.routes().rng(), faults, options);
    add_channels(app, settings, templates, dispatcher);
    app.before_end([&dispatcher](run::Callback done) { dispatcher.stop(std::move(done)); });
    auto& feed = app.own<Feed>(ledger);
    auto& intake = app.own<Intake>(ledger, dispatcher, templates, app.log());
    intake.on_taken([&feed] { feed.look(); });
    if (auto* redis = app.redis(*settings.redis)) consume(app, *redis, intake);
    app.every(look_every, "look-for-notifications", [&feed] { feed.look(); });
    app.every(forget_every, "forget", [&ledger, age = *settings.keep] { ledger.forget(age, [](const auto&) {}); });
    add_routes(app, {ledger, intake, dispatcher, feed, templates},
               open_to_all(settings) ? OpenDemo::on : OpenDemo::off);
}

}  // namespace notifications
