#include "auth/service.h"

#include "auth/desk.h"
#include "auth/tables.h"
#include "kit/web/events.h"

namespace auth {
namespace {

constexpr auto soon = std::chrono::milliseconds(100);
constexpr auto clean_every = std::chrono::hours(1);

/// What is done when the tables are there, and again and again: keys, and once the first admin.
class Upkeep {
 public:
    Upkeep(Parts& parts, run::Duration look_every) : parts_(parts), look_every_(look_every) { plan(soon); }
    /// Nothing once the first admin is there, or none is wished for.
    std::optional<std::string> waits() const {
        return admin_made_ ? std::nullopt : std::optional<std::string>("it has not been looked for yet");
    }

 private:
    void plan(run::Duration delay) {
        timer_ = parts_.app.loop().after(delay, [this] {
            parts_.keys.look([this](base::Result<void> looked) {
                plan(looked ? look_every_ : run::Duration(soon));
                if (looked && !admin_asked_) make_admin();
            });
        });
    }

    void make_admin() {
        admin_asked_ = true;
        const auto login = login_of(*parts_.settings.admin_email);
        const std::string password(std::string_view(*parts_.settings.admin_password));
        if (login.empty() || password.empty()) {
            admin_made_ = true;
            return;
        }
        parts_.passwords.hash(password, [this, login](base::Result<std::string> hash) {
            if (!hash) return again(hash.error());
            parts_.accounts.ensure_admin(login, *hash, [this](base::Result<void> done) {
                if (!done) return again(done.error());
                admin_made_ = true;
            });
        });
    }

    void again(const base::Error& error) {
        admin_asked_ = false;  // at the next look
        parts_.app.log().warn("the first admin cannot be made yet", {{"error", error.message}});
    }

    Parts& parts_;
    run::Duration look_every_;
    run::Timer timer_;
    bool admin_asked_ = false;
    bool admin_made_ = false;
};

kit::db::Deliver delivery(kit::App& app, const Settings& settings, kit::redis::Redis* redis) {
    if (redis || settings.notifications->empty()) return kit::deliver_events(redis, nullptr);
    auto& receiver = app.peer({.name = "notifications",
                               .base = *settings.notifications,
                               .bearer = std::string(std::string_view(*settings.service_token))});
    return kit::deliver_events(nullptr, &receiver);
}

base::Result<void> sensible(const Settings& settings) {
    const auto wrong = [](std::string_view what) { return base::fail(base::Code::invalid, std::string(what)); };
    const std::string_view token(*settings.service_token);
    if (!token.empty() && token.size() < 32) return wrong("service-token must have 32 characters at least");
    if (*settings.dealer_signup != "ask" && *settings.dealer_signup != "open")
        return wrong("dealer-signup must be ask or open");
    const auto email = login_of(*settings.admin_email);
    const std::string_view password(*settings.admin_password);
    if (email.empty() != password.empty()) return wrong("admin-email and admin-password are given together");
    if (!email.empty() && !(email_problem(email).empty() || username_problem(email).empty()))
        return wrong("admin-email must be an address or a username");
    if (!email.empty() && password.size() < password_min) return wrong("admin-password is too short");
    if (*settings.password_memory < 8 || *settings.password_memory > 1024 * 1024 || *settings.password_passes < 1 ||
        *settings.password_passes > 100)
        return wrong("password-memory-kib must be 8 to 1048576, password-passes 1 to 100");
    if (*settings.lock_after < 1) return wrong("lock-after must be 1 at least");
    if (!settings.public_path->starts_with('/')) return wrong("public-path must begin with /");
    return {};
}

Parts& parts_of(kit::App& app, const Settings& settings) {
    auto& loop = app.loop();
    auto* redis = app.redis(std::string_view(*settings.redis));
    auto& database = app.database(std::string_view(*settings.database), migrations());
    auto& outbox = app.own<kit::db::Outbox>(database, loop, app.log(), app.metrics(), delivery(app, settings, redis));
    auto& accounts = app.own<Accounts>(database, outbox, loop, LockRule{*settings.lock_after, *settings.lock_for});
    auto& sessions = app.own<Sessions>(
        database, loop, app.log(), SessionRules{*settings.refresh_ttl, *settings.session_ttl, *settings.refresh_grace});
    auto& keys = app.own<KeyRing>(database, loop, app.log(),
                                  KeyRules{*settings.key_rotate_every, *settings.key_lead, *settings.access_ttl,
                                           std::string(std::string_view(*settings.key_secret))});
    const kit::auth::PasswordCost cost{.memory_kib = static_cast<std::uint32_t>(*settings.password_memory),
                                       .passes = static_cast<std::uint32_t>(*settings.password_passes)};
    auto& passwords = app.own<kit::auth::Passwords>(loop, kit::auth::PasswordOptions{.cost = cost});
    using kit::redis::RateLimit;
    constexpr auto window = std::chrono::minutes(15);
    auto& limits =
        app.own<Limits>(RateLimit(redis, loop, "auth:login:", *settings.login_rate, window),
                        RateLimit(redis, loop, "auth:address:", *settings.address_rate, window),
                        RateLimit(redis, loop, "auth:signup:", *settings.signup_rate, std::chrono::hours(1)));
    return app.own<Parts>(app, settings, accounts, sessions, keys, passwords, limits);
}

}  // namespace

void assemble(kit::App& app, const Settings& settings) {
    if (auto fits = sensible(settings); !fits) app.give_up(std::move(fits).error());
    auto& parts = parts_of(app, settings);
    auto& verifier = app.own<std::unique_ptr<kit::auth::Verifier>>(
        kit::auth::make_verifier(app.loop(), {.service_token = std::string(std::string_view(*settings.service_token))},
                                 [&keys = parts.keys] { return keys.jwks(); }));
    app.routes().verify_with(*verifier);
    app.ready_when("keys", [&verifier] { return verifier->away(); });
    const auto& upkeep = app.own<Upkeep>(parts, *settings.key_look_every);
    app.ready_when("admin", [&upkeep] { return upkeep.waits(); });
    app.every(clean_every, "clean", [&parts] {
        parts.sessions.clean([&parts](base::Result<void> done) {
            if (!done) parts.app.log().warn("old sessions cannot be forgotten", {{"error", done.error().message}});
        });
    });
    add_session_routes(parts);
    add_account_routes(parts);
    add_user_routes(parts);
}

}  // namespace auth
