// Tokens, cookies, verifiers, passwords, webhooks: what is let in, and above all what is not.
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "kit/auth/cookies.h"
#include "kit/auth/identity.h"
#include "kit/auth/key_set.h"
#include "kit/auth/password.h"
#include "kit/auth/signing.h"
#include "kit/testing/http_fixture.h"
#include "run/asio_loop.h"
#include "run/virtual_loop.h"

namespace kit::auth {
namespace {

using namespace std::chrono_literals;

const run::Time noon{std::chrono::sys_days{std::chrono::January / 1 / 2030} + 12h};

Claims claims_of(std::string user = "7f0c0d6e-0000-4000-8000-000000000001") {
    return {.user = std::move(user),
            .email = "ann@example.com",
            .name = "Ann",
            .roles = {Role::buyer, Role::dealer},
            .issued = noon,
            .expires = noon + 15min,
            .token_id = "t1",
            .session = "s1"};
}

class Tokens : public ::testing::Test {
 protected:
    base::Result<Identity> check(const std::string& token, run::Time now = noon + 1min) const {
        return verify_token(token, jwks_text({key_.shown()}), "slipway-auth", now, 5s);
    }
    /// A token of any header and payload, rightly signed.
    std::string made(const std::string& header, const std::string& payload) const {
        const auto bytes = base64url(header) + "." + base64url(payload);
        return bytes + "." + base64url(key_.sign(bytes));
    }
    std::string header(const std::string& more = R"("alg":"EdDSA")") const {
        return "{" + more + R"(,"kid":")" + key_.shown().id + "\"}";
    }
    std::string why(const std::string& token, run::Time now = noon + 1min) const {
        const auto identity = check(token, now);
        if (identity) return "it is let in";
        EXPECT_EQ(identity.error().code, base::Code::unauthorized);
        return identity.error().message;
    }
    static std::string payload(const std::string& more = {}) {
        return R"({"iss":"slipway-auth","sub":"u1","exp":1893500000)" + more + "}";
    }
    SigningKey key_ = SigningKey::make();
};

TEST_F(Tokens, GoRoundAndSayWhoCalls) {
    const auto identity = check(sign_token(key_, claims_of()));
    ASSERT_TRUE(identity) << identity.error().message;
    EXPECT_EQ(identity->user, claims_of().user);
    EXPECT_EQ(identity->email, "ann@example.com");
    EXPECT_EQ(identity->name, "Ann");
    EXPECT_EQ(identity->session, "s1");
    EXPECT_EQ(identity->expires, noon + 15min);
    EXPECT_TRUE(identity->has(Role::buyer) && identity->has(Role::dealer) && !identity->has(Role::admin));
    EXPECT_TRUE(identity->may_act_for(claims_of().user));
    EXPECT_FALSE(identity->may_act_for("another"));
}

TEST_F(Tokens, KeepTheirKeyThroughPem) {
    const auto again = SigningKey::from_pem(key_.pem());
    ASSERT_TRUE(again);
    EXPECT_EQ(again->shown().id, key_.shown().id);
    EXPECT_TRUE(check(sign_token(*again, claims_of())));
    EXPECT_FALSE(SigningKey::from_pem("nonsense"));
}

TEST_F(Tokens, AreRefusedWhenTheAlgorithmIsAnother) {
    EXPECT_EQ(why(made(header(R"("alg":"none")"), payload())), "the token is not signed with EdDSA");
    EXPECT_EQ(why(made(header(R"("alg":"eddsa")"), payload())), "the token is not signed with EdDSA");
    const auto bytes = base64url(header(R"("alg":"HS256")")) + "." + base64url(payload());
    const auto raw = from_base64url(key_.shown().x).value();
    EXPECT_EQ(why(bytes + "." + base64url(hmac_sha256(raw, bytes))), "the token is not signed with EdDSA");
    const auto unsigned_bytes = base64url(header()) + "." + base64url(payload());
    EXPECT_EQ(why(unsigned_bytes + "."), "the token has a wrong signature");
    EXPECT_EQ(why(unsigned_bytes + "." + base64url(hmac_sha256(raw, unsigned_bytes))),
              "the token has a wrong signature");
}

TEST_F(Tokens, AreRefusedWhenTheyAreBroken) {
    const auto good = sign_token(key_, claims_of());
    EXPECT_EQ(why(good.substr(0, good.rfind('.'))), "the token has not three parts");
    EXPECT_EQ(why(good + ".x"), "the token has not three parts");
    EXPECT_EQ(why(good + "="), "the token is not encoded as a JWT");
    EXPECT_EQ(why(std::string(token_bytes_max + 1, 'a')), "the token is too long");
    EXPECT_EQ(why(""), "the token has not three parts");
    EXPECT_EQ(why(".."), "the token is not encoded as a JWT");
    EXPECT_EQ(why(made("[]", payload())), "the token is not encoded as a JWT");
    EXPECT_EQ(why(made(header(R"("alg":"EdDSA","crit":["b64"])"), payload())), "the token asks for extensions");
    EXPECT_EQ(why(made(header(R"("alg":"EdDSA","typ":"refresh")"), payload())), "the token is of another type");
    EXPECT_EQ(why(made(R"({"alg":"EdDSA"})", payload())), "the token names no key");
    EXPECT_EQ(why(made(R"({"alg":"EdDSA","kid":"x"})", payload())), "the token is signed with an unknown key");
    const auto other = SigningKey::make();
    auto stolen = base64url(header()) + "." + base64url(payload());
    EXPECT_EQ(why(stolen + "." + base64url(other.sign(stolen))), "the token has a wrong signature");
    EXPECT_EQ(why(made(header(), "[" + std::string(5000, '[')).substr(0, 8000)), "the token is not encoded as a JWT");
}

TEST_F(Tokens, AreRefusedOutOfTheirTimeAndFromOthers) {
    const auto good = sign_token(key_, claims_of());
    EXPECT_EQ(why(good, noon + 15min + 6s), "the token has expired");
    EXPECT_TRUE(check(good, noon + 15min + 4s)) << "within the leeway";
    EXPECT_EQ(why(good, noon - 6s), "the token is not valid yet");
    EXPECT_EQ(why(made(header(), payload(R"(,"nbf":1893499990)"))), "the token is not valid yet");
    EXPECT_EQ(why(made(header(), payload(R"(,"nbf":"soon")"))), "the token is not valid yet");
    EXPECT_EQ(why(made(header(), R"({"iss":"slipway-auth","sub":"u1"})")), "the token says not when it expires");
    EXPECT_EQ(why(made(header(), R"({"iss":"slipway-auth","sub":"u1","exp":1e300})")),
              "the token says not when it expires");
    EXPECT_EQ(why(made(header(), R"({"iss":"other","sub":"u1","exp":1893500000})")),
              "the token is from another issuer");
    EXPECT_EQ(why(made(header(), R"({"iss":"slipway-auth","exp":1893500000})")), "the token names no user");
    EXPECT_EQ(why(made(header(), R"({"iss":"slipway-auth","sub":"service","exp":1893500000})")),
              "the token names no user");
}

TEST_F(Tokens, NeverMakeAService) {
    const auto identity = check(made(header(), payload(R"(,"roles":["service","admin","admin",7,"king"])")));
    ASSERT_TRUE(identity) << identity.error().message;
    EXPECT_EQ(identity->roles, std::vector{Role::admin});
    EXPECT_EQ(why(made(header(), payload(R"(,"roles":"admin")"))), "the token has no list of roles");
}

TEST(KeySets, TakeOnlyEd25519ForSigning) {
    const auto x = SigningKey::make().shown().x;
    const auto set = [&](const std::string& more) {
        return KeySet::parse(R"({"keys":[{"kid":"k","x":")" + x + "\"," + more + "}]}");
    };
    EXPECT_FALSE(set(R"("kty":"OKP","crv":"Ed25519")")->empty());
    EXPECT_TRUE(set(R"("kty":"OKP","crv":"X25519")")->empty());
    EXPECT_TRUE(set(R"("kty":"oct","crv":"Ed25519")")->empty());
    EXPECT_TRUE(set(R"("kty":"OKP","crv":"Ed25519","use":"enc")")->empty());
    EXPECT_TRUE(set(R"("kty":"OKP","crv":"Ed25519","alg":"HS256")")->empty());
    EXPECT_FALSE(KeySet::parse("{}"));
    EXPECT_FALSE(KeySet::parse("nonsense"));
}

http::Request request_of(std::string method, std::vector<std::pair<std::string, std::string>> headers) {
    http::Request request{.method = std::move(method), .target = "/", .path = "/"};
    for (const auto& [name, value] : headers) request.headers.add(name, value);
    return request;
}

TEST(Cookies, AreStrict) {
    const auto plain = request_of("POST", {});
    EXPECT_EQ(set_cookie({.name = "access", .value = "v", .keep = 15min}, plain),
              "access=v; Path=/; Max-Age=900; SameSite=Strict; HttpOnly");
    const auto secure = request_of("POST", {{"X-Forwarded-Proto", "http, https"}});
    EXPECT_EQ(
        set_cookie({.name = "csrf", .value = "v", .path = "/a", .keep = 1s, .readable = Readable::by_pages}, secure),
        "csrf=v; Path=/a; Max-Age=1; SameSite=Strict; Secure");
    EXPECT_EQ(cookie_in(request_of("GET", {{"Cookie", "a=1; access=x.y; b=2"}}), "access"), "x.y");
    EXPECT_EQ(cookie_in(request_of("GET", {{"Cookie", "xaccess=1"}}), "access"), "");
}

TEST(Csrf, NeedsTheTokenAndTheRightOrigin) {
    const auto refused = [](std::string method, std::vector<std::pair<std::string, std::string>> headers) {
        headers.emplace_back("Host", "shop.example");
        headers.emplace_back("Cookie", "access=a; csrf=c");
        return !check_csrf(request_of(std::move(method), std::move(headers)));
    };
    EXPECT_FALSE(refused("GET", {}));
    EXPECT_TRUE(refused("POST", {}));
    EXPECT_TRUE(refused("DELETE", {{"X-CSRF-Token", "d"}}));
    EXPECT_FALSE(refused("POST", {{"X-CSRF-Token", "c"}}));
    EXPECT_FALSE(refused("POST", {{"X-CSRF-Token", "c"}, {"Origin", "https://shop.example"}}));
    EXPECT_TRUE(refused("POST", {{"X-CSRF-Token", "c"}, {"Origin", "https://evil.example"}}));
    EXPECT_TRUE(refused("POST", {{"X-CSRF-Token", "c"}, {"Origin", "null"}}));
    EXPECT_FALSE(refused("POST", {{"X-CSRF-Token", "c"}, {"Origin", "http://front"}, {"X-Forwarded-Host", "front"}}));
    EXPECT_TRUE(refused("POST", {{"X-CSRF-Token", "c"}, {"Sec-Fetch-Site", "cross-site"}}));
    EXPECT_TRUE(refused("POST", {{"X-CSRF-Token", "c"}, {"Sec-Fetch-Site", "same-site"}}));
    EXPECT_FALSE(refused("POST", {{"X-CSRF-Token", "c"}, {"Sec-Fetch-Site", "same-origin"}}));
}

const std::string service_token(40, 's');

/// A client whose answers the test gives.
class FakeClient final : public http::Client {
 public:
    void send(http::Outgoing request, http::Answered answered) override {
        urls.push_back(request.url);
        open.push_back(std::move(answered));
    }
    std::unique_ptr<http::Exchange> stream(http::Outgoing, http::Pieces) override { return nullptr; }
    std::size_t connections() const override { return 0; }
    std::size_t waiting() const override { return open.size(); }
    void answer(int status, std::string body) {
        auto one = std::move(open.front());
        open.erase(open.begin());
        one(http::Response{
            .status = status, .headers = {}, .body = std::make_shared<const std::string>(std::move(body))});
    }
    std::vector<std::string> urls;
    std::vector<http::Answered> open;
};

class Verifiers : public ::testing::Test {
 protected:
    std::unique_ptr<Verifier> make() {
        return make_verifier(client_, loop_, log_, {.jwks_url = "http://auth/jwks", .service_token = service_token});
    }
    std::string bearer(const SigningKey& key) {
        auto claims = claims_of();
        claims.issued = loop_.now();
        claims.expires = loop_.now() + 15min;
        claims.csrf = "c";
        return sign_token(key, claims);
    }
    /// The user's id, the error's code as a number, or "waits".
    std::shared_ptr<std::string> ask(Verifier& verifier, const http::Request& request) {
        auto answer = std::make_shared<std::string>("waits");
        verifier.verify(request, [answer](base::Result<Identity> identity) {
            *answer = identity ? identity->user : std::to_string(static_cast<int>(identity.error().code));
        });
        return answer;
    }
    std::shared_ptr<std::string> ask(Verifier& verifier, const std::string& token) {
        return ask(verifier, request_of("GET", {{"Authorization", "Bearer " + token}}));
    }
    static std::string code(base::Code code) { return std::to_string(static_cast<int>(code)); }

    run::VirtualLoop loop_{1};
    Log log_{loop_, STDERR_FILENO, "test", Level::error};
    FakeClient client_;
    SigningKey old_ = SigningKey::make();
    SigningKey new_ = SigningKey::make();
    const std::string user_ = claims_of().user;
};

TEST_F(Verifiers, FetchKeysOnceAndAskNobodyForKnownOnes) {
    const auto verifier = make();
    EXPECT_TRUE(verifier->away());
    const auto early = ask(*verifier, bearer(old_));
    EXPECT_EQ(*early, "waits") << "for the fetch that is under way";
    client_.answer(200, jwks_text({old_.shown()}));
    EXPECT_EQ(*early, user_);
    EXPECT_FALSE(verifier->away());
    EXPECT_EQ(*ask(*verifier, bearer(old_)), user_);
    EXPECT_EQ(client_.urls.size(), 1U);
    EXPECT_EQ(*ask(*verifier, request_of("GET", {})), code(base::Code::unauthorized));
    EXPECT_EQ(*ask(*verifier, request_of("GET", {{"Authorization", "Basic x"}})), code(base::Code::unauthorized));
}

TEST_F(Verifiers, FetchForUnknownKeysButNotForEachOfThem) {
    const auto verifier = make();
    client_.answer(200, jwks_text({old_.shown()}));
    EXPECT_EQ(*ask(*verifier, bearer(new_)), code(base::Code::unauthorized)) << "fetched just now";
    loop_.run_until(loop_.now() + 6s);
    const auto waits = ask(*verifier, bearer(new_));
    const auto also = ask(*verifier, bearer(new_));
    EXPECT_EQ(client_.urls.size(), 2U);
    EXPECT_EQ(*ask(*verifier, bearer(old_)), user_) << "nobody waits for another's key";
    client_.answer(200, jwks_text({old_.shown(), new_.shown()}));
    EXPECT_EQ(*waits, user_);
    EXPECT_EQ(*also, user_);
    loop_.run_until(loop_.now() + 301s);
    EXPECT_EQ(client_.urls.size(), 3U) << "and in the background";
    client_.answer(200, jwks_text({new_.shown()}));
    loop_.run_until(loop_.now() + 6s);
    const auto gone = ask(*verifier, bearer(old_));
    client_.answer(200, jwks_text({new_.shown()}));
    EXPECT_EQ(*gone, code(base::Code::unauthorized)) << "a key that was withdrawn is forgotten";
}

TEST_F(Verifiers, KeepKnownKeysWhileTheServiceIsAway) {
    const auto verifier = make();
    const auto first = ask(*verifier, bearer(old_));
    client_.answer(503, "");
    EXPECT_EQ(*first, code(base::Code::unavailable));
    EXPECT_EQ(*ask(*verifier, bearer(old_)), code(base::Code::unavailable));
    loop_.run_until(loop_.now() + 1s);
    ASSERT_EQ(client_.open.size(), 1U) << "tried again soon";
    client_.answer(200, jwks_text({old_.shown()}));
    loop_.run_until(loop_.now() + 301s);
    client_.answer(200, "nonsense");
    EXPECT_EQ(*ask(*verifier, bearer(old_)), user_);
    EXPECT_FALSE(verifier->away());
}

TEST_F(Verifiers, KnowServicesByTheSecretAlone) {
    const auto verifier = make();
    EXPECT_EQ(*ask(*verifier, service_token), "service");
    client_.answer(200, jwks_text({old_.shown()}));
    EXPECT_EQ(*ask(*verifier, service_token + "s"), code(base::Code::unauthorized));
    EXPECT_EQ(*ask(*verifier, request_of("GET", {{"Cookie", "access=" + service_token}})),
              code(base::Code::unauthorized));
    const auto fixed = make_verifier(loop_, {.service_token = "short"}, [&] { return jwks_text({old_.shown()}); });
    EXPECT_EQ(*ask(*fixed, "short"), code(base::Code::unauthorized));
}

TEST_F(Verifiers, LetCookiesChangeThingsOnlyWithTheirCsrfToken) {
    const auto verifier = make_verifier(loop_, {}, [&] { return jwks_text({old_.shown()}); });
    const auto token = bearer(old_);
    const auto with = [&](const std::string& method, const std::string& csrf, const std::string& shown) {
        return *ask(*verifier,
                    request_of(method, {{"Cookie", "access=" + token + "; csrf=" + csrf}, {"X-CSRF-Token", shown}}));
    };
    EXPECT_EQ(with("GET", "", ""), user_);
    EXPECT_EQ(with("POST", "c", "c"), user_);
    EXPECT_EQ(with("POST", "c", ""), code(base::Code::forbidden));
    EXPECT_EQ(with("POST", "c", "d"), code(base::Code::forbidden));
    EXPECT_EQ(with("POST", "planted", "planted"), code(base::Code::forbidden)) << "a cookie that somebody planted";
    EXPECT_EQ(*ask(*verifier, token), user_) << "a token needs none";
}

TEST(PasswordWork, GoesRoundAndTellsWhatIsOutdated) {
    testing::LoopThread thread;
    run::AsioLoop loop(thread.io);
    Passwords cheap(loop, {.cost = {.memory_kib = 256, .passes = 1}});
    Passwords dear(loop, {.cost = {.memory_kib = 512, .passes = 1}});
    const auto check = [&](Passwords& passwords, const std::string& password, const std::string& phc) {
        std::promise<base::Result<Match>> match;
        thread.run([&] { passwords.check(password, phc, [&](auto result) { match.set_value(std::move(result)); }); });
        return match.get_future().get();
    };
    std::promise<base::Result<std::string>> hashed;
    thread.run([&] { cheap.hash("correct horse", [&](auto result) { hashed.set_value(std::move(result)); }); });
    const auto phc = hashed.get_future().get();
    ASSERT_TRUE(phc);
    EXPECT_TRUE(phc->starts_with("$argon2id$v=19$m=256,t=1,p=1$")) << *phc;
    EXPECT_EQ(check(cheap, "correct horse", *phc), Match::right);
    EXPECT_EQ(check(cheap, "wrong horse", *phc), Match::wrong);
    EXPECT_EQ(check(dear, "correct horse", *phc), Match::right_but_outdated);
    EXPECT_EQ(check(cheap, "correct horse", ""), Match::wrong);
    EXPECT_EQ(check(cheap, "correct horse", "nonsense").error().code, base::Code::internal);
}

TEST(PasswordWork, IsBounded) {
    testing::LoopThread thread;
    run::AsioLoop loop(thread.io);
    auto passwords = std::make_unique<Passwords>(
        loop, PasswordOptions{.cost = {.memory_kib = 4096, .passes = 1}, .threads = 1, .waiting_max = 2});
    std::atomic<int> refused = 0;
    thread.run([&] {
        for (int at = 0; at < 5; ++at) passwords->check("x", "", [&](auto result) { refused += result ? 0 : 1; });
    });
    EXPECT_EQ(refused, 3);
    thread.run([&] { passwords.reset(); });
}

TEST(Webhooks, AreSignedInTheirTime) {
    const auto signature = webhook_signature("secret", "body", noon);
    EXPECT_TRUE(check_webhook("secret", signature, "body", noon + 4min));
    EXPECT_FALSE(check_webhook("secret", signature, "body", noon + 6min));
    EXPECT_FALSE(check_webhook("secret", signature, "body", noon - 6min));
    EXPECT_FALSE(check_webhook("secret", signature, "bodi", noon));
    EXPECT_FALSE(check_webhook("other", signature, "body", noon));
    EXPECT_FALSE(check_webhook("secret", "", "body", noon));
    EXPECT_FALSE(check_webhook("", webhook_signature("", "body", noon), "body", noon)) << "no secret, no trust";
    EXPECT_FALSE(check_webhook("secret", "t=99999999999999999999,v1=00", "body", noon));
    EXPECT_TRUE(check_webhook("secret", signature + ",v1=00", "body", noon)) << "while a secret is changed";
}

TEST(Secrets, AreSealedAndEncodedInOneWayOnly) {
    const auto sealed = seal("key", "plain text", "row 1");
    EXPECT_EQ(unseal("key", sealed, "row 1").value(), "plain text");
    EXPECT_FALSE(unseal("other", sealed, "row 1"));
    EXPECT_FALSE(unseal("key", sealed, "row 2"));
    EXPECT_FALSE(unseal("key", sealed.substr(1), "row 1"));
    EXPECT_FALSE(unseal("key", "", "row 1"));
    EXPECT_EQ(base64url("\xff\xfe\xfd"), "__79");
    EXPECT_EQ(from_base64url("Zm8"), "fo");
    EXPECT_FALSE(from_base64url("Zm9")) << "bits that are left over";
    EXPECT_FALSE(from_base64url("Zm8="));
    EXPECT_FALSE(from_base64url("Z"));
    EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");  // RFC 4231, case 2
    EXPECT_TRUE(equal_secret("a", "a") && !equal_secret("a", "ab") && !equal_secret("", "a"));
}

TEST(Uuids, HaveTheirVersions) {
    EXPECT_TRUE(is_uuid(random_uuid()));
    EXPECT_EQ(random_uuid()[14], '4');
    const auto early = time_uuid(noon);
    const auto late = time_uuid(noon + 1ms);
    EXPECT_TRUE(is_uuid(early));
    EXPECT_EQ(early[14], '7');
    EXPECT_LT(early.substr(0, 13), late.substr(0, 13));
    EXPECT_NE(random_token(), random_token());
    EXPECT_EQ(random_token().size(), 43U);
    EXPECT_FALSE(is_uuid("7F0c0d6e-0000-4000-8000-000000000001"));
}

}  // namespace
}  // namespace kit::auth
