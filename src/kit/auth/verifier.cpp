// Verifiers: one whose keys come from the auth service's JWKS address in the background, one whose keys are here.
#include <algorithm>
#include <deque>
#include <map>

#include "kit/auth/cookies.h"
#include "kit/auth/identity.h"
#include "kit/auth/key_set.h"

namespace kit::auth {
namespace {

constexpr std::size_t service_token_bytes_min = 32;
constexpr std::size_t remembered_max = 4096;
constexpr std::size_t waiting_max = 1000;  ///< requests that wait for keys
constexpr std::size_t jwks_bytes_max = 256 * 1024;
constexpr auto retry_first = std::chrono::milliseconds(250);
constexpr auto retry_last = std::chrono::seconds(5);
constexpr std::string_view scheme = "Bearer ";

base::Error nobody(std::string why) { return {base::Code::unauthorized, std::move(why)}; }

bool is_bearer(std::string_view authorization) {
    constexpr std::string_view lowered = "bearer ";
    return authorization.size() > scheme.size() &&
           std::ranges::equal(authorization.substr(0, scheme.size()), lowered, [](char one, char other) {
               return (one | 0x20) == other || (one == ' ' && other == ' ');
           });
}

/// What a request shows: a token, and how.
struct Evidence {
    std::string token;
    Proof proof = Proof::token;
};

base::Result<Evidence> evidence_in(const http::Request& request) {
    const auto authorization = request.headers.get("Authorization");
    if (is_bearer(authorization)) return Evidence{std::string(authorization.substr(scheme.size()))};
    if (!authorization.empty()) return std::unexpected(nobody("Authorization must be: Bearer TOKEN"));
    const auto token = cookie_in(request, access_cookie);
    if (token.empty()) return std::unexpected(nobody("log in first: there is no token"));
    TRY(check_csrf(request));
    return Evidence{std::string(token), Proof::cookie};
}

/// Keys, and what they have verified already. A verified token is told again by its digest, which is cheaper than a
/// signature; looking it up tells nobody's timing anything, because a digest cannot be chosen.
class Desk {
 public:
    explicit Desk(const VerifierOptions& options)
        : rules_{options.issuer, options.leeway},
          service_token_(options.service_token.size() >= service_token_bytes_min ? options.service_token : "") {}

    void take(KeySet keys) {
        keys_ = std::move(keys);
        remembered_.clear();
    }
    bool empty() const { return keys_.empty(); }

    /// Nothing when the token is no service's.
    std::optional<Identity> service(const Evidence& evidence) const {
        if (evidence.proof == Proof::cookie || service_token_.empty()) return std::nullopt;
        if (!equal_secret(evidence.token, service_token_)) return std::nullopt;
        return Identity{.user = "service",
                        .email = "",
                        .name = "service",
                        .roles = {Role::service},
                        .expires = run::Time::max(),
                        .session = "",
                        .proof = Proof::service_token};
    }

    /// `not_found`: its key is not known.
    base::Result<Identity> verify(const Evidence& evidence, std::string_view csrf, run::Time now) {
        if (evidence.token.size() > token_bytes_max) return std::unexpected(nobody("the token is too long"));
        auto digest = sha256(evidence.token);
        auto found = remembered_.find(digest);
        if (found != remembered_.end() && now >= found->second.identity.expires) {
            remembered_.erase(found);
            found = remembered_.end();
        }
        if (found == remembered_.end()) {
            auto identity = TRY(keys_.verify(evidence.token, rules_, now));
            if (remembered_.size() >= remembered_max) remembered_.clear();
            auto known = Known{std::move(identity), KeySet::csrf_digest(evidence.token)};
            found = remembered_.emplace(std::move(digest), std::move(known)).first;
        }
        const auto& known = found->second;
        const bool bound = evidence.proof == Proof::cookie && !csrf.empty() && !known.csrf.empty();
        if (bound && !equal_secret(base64url(sha256(csrf)), known.csrf))
            return base::fail(base::Code::forbidden, "X-CSRF-Token belongs to another session");
        auto identity = known.identity;
        identity.proof = evidence.proof;
        return identity;
    }

 private:
    struct Known {
        Identity identity;
        std::string csrf;  ///< digest of the CSRF token that it is bound to, or ""
    };
    TokenRules rules_;
    std::string service_token_;
    KeySet keys_;
    std::map<std::string, Known, std::less<>> remembered_;
};

/// The CSRF token that the request had to show, or "".
std::string csrf_in(const http::Request& request) {
    return changes_something(request) ? std::string(request.headers.get(csrf_header)) : std::string();
}

base::Result<Identity> told(base::Result<Identity> result) {
    if (!result && result.error().code == base::Code::not_found)
        return std::unexpected(nobody("the token is signed with an unknown key"));
    return result;
}

class LocalVerifier final : public Verifier {
 public:
    LocalVerifier(const run::Clock& clock, const VerifierOptions& options, std::function<std::string()> jwks)
        : clock_(clock), desk_(options), jwks_(std::move(jwks)) {}

    void verify(const http::Request& request, Verified done) override {
        auto evidence = evidence_in(request);
        if (!evidence) return done(std::unexpected(std::move(evidence).error()));
        if (auto service = desk_.service(*evidence)) return done(std::move(*service));
        const auto csrf = csrf_in(request);
        if (auto text = jwks_(); text != text_) {
            if (auto keys = KeySet::parse(text)) desk_.take(std::move(*keys));
            text_ = std::move(text);
        }
        auto result = desk_.verify(*evidence, csrf, clock_.now());
        if (!result && desk_.empty()) result = base::fail(base::Code::unavailable, "there are no keys yet");
        done(told(std::move(result)));
    }
    std::optional<std::string> away() const override {
        return jwks_().empty() ? std::optional<std::string>("there are no keys yet") : std::nullopt;
    }

 private:
    const run::Clock& clock_;
    Desk desk_;
    std::function<std::string()> jwks_;
    std::string text_;  ///< of the keys that the desk holds
};

/// Fetches go on in the background; a request waits for one only when it names a key that is not known.
class FetchingVerifier final : public Verifier {
 public:
    FetchingVerifier(http::Client& client, run::Loop& loop, Log& log, VerifierOptions options)
        : state_(std::make_shared<State>(client, loop, log, std::move(options))) {
        const auto& token = state_->options.service_token;
        if (!token.empty() && token.size() < service_token_bytes_min)
            log.warn("the service token is too short and is not taken", {{"least", service_token_bytes_min}});
        if (!state_->options.jwks_url.empty()) state_->fetch();
    }

    void verify(const http::Request& request, Verified done) override {
        auto evidence = evidence_in(request);
        if (!evidence) return done(std::unexpected(std::move(evidence).error()));
        if (auto service = state_->desk.service(*evidence)) return done(std::move(*service));
        auto csrf = csrf_in(request);
        auto result = state_->desk.verify(*evidence, csrf, state_->loop.now());
        if (result || result.error().code != base::Code::not_found) return done(std::move(result));
        state_->wait_for_keys({std::move(*evidence), std::move(csrf), std::move(done)});
    }

    std::optional<std::string> away() const override {
        if (state_->options.jwks_url.empty() || !state_->desk.empty()) return std::nullopt;
        return "no keys to verify tokens by: " + state_->problem;
    }

 private:
    struct Waiting {
        Evidence evidence;
        std::string csrf;
        Verified done;
    };

    struct State : std::enable_shared_from_this<State> {
        State(http::Client& client_, run::Loop& loop_, Log& log_, VerifierOptions options_)
            : client(client_), loop(loop_), log(log_), options(std::move(options_)), desk(options) {}

        void fetch();
        void fetched(base::Result<http::Response> answer);
        base::Result<void> take(base::Result<http::Response> answer);
        void wait_for_keys(Waiting one);

        http::Client& client;
        run::Loop& loop;
        Log& log;
        VerifierOptions options;
        Desk desk;
        std::string problem = "they have not been fetched yet";
        bool fetching = false;
        bool last_failed = false;
        run::Time asked{};  ///< when the last fetch ended
        run::Duration retry = retry_first;
        run::Timer next;
        std::deque<Waiting> waiting;
    };
    std::shared_ptr<State> state_;
};

void FetchingVerifier::State::fetch() {
    fetching = true;
    next.cancel();
    http::Outgoing request{.url = options.jwks_url, .body_bytes_max = jwks_bytes_max};
    request.headers.add("Accept", "application/json");
    client.send(std::move(request), [weak = weak_from_this()](base::Result<http::Response> answer) {
        if (const auto state = weak.lock()) state->fetched(std::move(answer));
    });
}

base::Result<void> FetchingVerifier::State::take(base::Result<http::Response> answer) {
    if (!answer) return std::unexpected(std::move(answer).error());
    if (answer->status != 200 || !answer->body)
        return base::fail(base::Code::unavailable, "the auth service answers " + std::to_string(answer->status));
    auto keys = TRY(KeySet::parse(*answer->body));
    if (keys.empty()) return base::fail(base::Code::unavailable, "the auth service has no Ed25519 keys");
    desk.take(std::move(keys));
    return {};
}

/// Keys that are known stay good while others cannot be had.
void FetchingVerifier::State::fetched(base::Result<http::Response> answer) {
    fetching = false;
    asked = loop.now();
    const auto taken = take(std::move(answer));
    last_failed = !taken;
    if (!taken && problem != taken.error().message) {
        problem = taken.error().message;
        log.warn("keys cannot be fetched", {{"url", options.jwks_url}, {"error", problem}});
    }
    if (taken) problem.clear();
    const auto wait = taken ? options.refresh_every : retry;
    retry = taken ? run::Duration(retry_first) : std::min<run::Duration>(retry * 2, retry_last);
    next = loop.after(wait, [weak = weak_from_this()] {
        if (const auto state = weak.lock()) state->fetch();
    });
    auto waited = std::exchange(waiting, {});
    for (auto& [evidence, csrf, done] : waited) {
        auto result = desk.verify(evidence, csrf, loop.now());
        const bool unknown = !result && result.error().code == base::Code::not_found;
        if (unknown && last_failed)
            result = base::fail(base::Code::unavailable, "the keys that tokens are verified by cannot be had now");
        done(told(std::move(result)));
    }
}

void FetchingVerifier::State::wait_for_keys(Waiting one) {
    if (options.jwks_url.empty()) return one.done(std::unexpected(nobody("no user's tokens are taken here")));
    const bool lately = !fetching && asked != run::Time{} && loop.now() < asked + options.unknown_key_wait;
    if (waiting.size() >= waiting_max || (lately && last_failed))
        return one.done(base::fail(base::Code::unavailable, "the keys that tokens are verified by cannot be had now"));
    if (lately) return one.done(std::unexpected(nobody("the token is signed with an unknown key")));
    waiting.push_back(std::move(one));
    if (!fetching) fetch();
}

}  // namespace

std::unique_ptr<Verifier> make_verifier(http::Client& client, run::Loop& loop, Log& log, VerifierOptions options) {
    return std::make_unique<FetchingVerifier>(client, loop, log, std::move(options));
}

std::unique_ptr<Verifier> make_verifier(const run::Clock& clock, VerifierOptions options,
                                        std::function<std::string()> jwks) {
    return std::make_unique<LocalVerifier>(clock, options, std::move(jwks));
}

}  // namespace kit::auth
