// The service as processes, two on one database: accounts, log-ins, refresh tokens that come twice, locks, keys.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>

#include "auth/testing.h"
#include "kit/auth/signing.h"

namespace auth::testing {
namespace {

class Auth : public Replicas {};
INSTANTIATE_TEST_SUITE_P(On, Auth, ::testing::Values("sqlite", "postgres"), [](const auto& it) { return it.param; });

std::string refresh_body(const std::string& token) { return fmt::format(R"({{"refresh_token":"{}"}})", token); }

TEST_P(Auth, WhoSignsUpAtOneReplicaIsKnownToTheOther) {
    const auto one = started();
    const auto two = started();
    const auto signed_up = sign_up(one, "Ann@Example.com");
    EXPECT_EQ(signed_up.status, 202) << signed_up.body;
    const auto in = log_in(two, "ann@example.com");
    ASSERT_EQ(in.status, 200) << in.body;
    EXPECT_EQ(in.text("token"), in.text("access_token")) << "the old shape beside the new one";
    const auto me = ask(one, "GET", "/me", "", bearer(in.text("token")));
    EXPECT_EQ(me.status, 200) << me.body;
    EXPECT_EQ(me.text("email"), "ann@example.com");
    EXPECT_EQ(ask(one, "GET", "/me").status, 401);
    EXPECT_EQ(ask(one, "GET", "/me", "", bearer(service_token_)).status, 403) << "a service has no account";
    const auto by_username = ask(one, "POST", "/login", R"({"username":"ann@example.com","password":"correct horse"})");
    EXPECT_EQ(by_username.status, 200);
    const auto keys = ask(two, "GET", "/.well-known/jwks.json");
    const auto now = base::Time(std::chrono::system_clock::now());
    const auto identity =
        kit::auth::verify_token(in.text("token"), keys.body, "slipway-auth", now, std::chrono::seconds(5));
    ASSERT_TRUE(identity) << identity.error().message;
    EXPECT_EQ(identity->roles, std::vector{kit::auth::Role::buyer});
}

TEST_P(Auth, TellsNobodyWhichNamesAreKnown) {
    const auto port = started();
    const auto fresh = sign_up(port, "ann@example.com");
    const auto known = ask(port, "POST", "/signup", R"({"email":"ann@example.com","password":"another password"})");
    EXPECT_EQ(fresh.status, known.status);
    EXPECT_EQ(fresh.body, known.body);
    EXPECT_EQ(log_in(port, "ann@example.com", "another password").status, 401) << "nothing was changed";
    EXPECT_EQ(log_in(port, "ann@example.com").status, 200);
    const auto wrong = log_in(port, "ann@example.com", "wrong horse");
    const auto unknown = log_in(port, "bob@example.com", "wrong horse");
    EXPECT_EQ(wrong.status, 401);
    EXPECT_EQ(unknown.status, 401);
    EXPECT_EQ(wrong.body, unknown.body);
    if (postgres_) {
        EXPECT_EQ(postgres_->ask("SELECT failures FROM misses"), "2") << "as many writes for unknown names";
        EXPECT_EQ(postgres_->ask("SELECT COUNT(*) FROM outbox WHERE type = 'user.signed_up'"), "1");
    }
}

TEST_P(Auth, SaysWhatIsWrongWithASignUp) {
    const auto port = started();
    const auto status = [&](const std::string& body) { return ask(port, "POST", "/signup", body).status; };
    EXPECT_EQ(status(R"({"email":"ann","password":"correct horse"})"), 422);
    EXPECT_EQ(status(R"({"email":"a@b@c.de","password":"correct horse"})"), 422);
    EXPECT_EQ(status(R"({"email":"ann@example.com","password":"short"})"), 422);
    EXPECT_EQ(status(R"({"email":"ann@example.com","password":"ann@example.com"})"), 422);
    EXPECT_EQ(status(R"({"email":"ann@example.com","password":"Password1"})"), 422);
    EXPECT_EQ(status(R"({"email":"ann@example.com","password":"correct horse","role":"admin"})"), 422);
    EXPECT_EQ(status(R"({"email":"ann@example.com","password":"correct horse","admin":true})"), 422);
    EXPECT_EQ(status(R"({"password":"correct horse"})"), 422);
    for (const auto* path : {"/signup", "/login"}) {
        const auto empty = ask(port, "POST", path, "{}").body;
        EXPECT_NE(empty.find(R"({"field":"password","message":"is required"})"), std::string::npos) << empty;
        EXPECT_NE(empty.find(R"({"field":"email","message":"is required, or username"})"), std::string::npos) << empty;
    }
    EXPECT_EQ(status("nonsense"), 400);
    EXPECT_EQ(status(R"({"username":"ann-2","password":"correct horse"})"), 202);
    EXPECT_EQ(log_in(port, "ANN-2").json.at("user").at("username"), "ann-2");
    const Headers as_form{{"Content-Type", "application/x-www-form-urlencoded"}};
    EXPECT_EQ(ask(port, "POST", "/login", R"({"username":"ann-2","password":"correct horse"})", as_form).status, 200)
        << "what curl -d sends";
    EXPECT_EQ(ask(port, "POST", "/login", "username=ann-2&password=correct+horse", as_form).status, 200);
}

TEST_P(Auth, LocksAnAccountForAWhileAtEveryReplica) {
    const Environment soon{"LOCK_AFTER=3", "LOCK_FOR=2s", "LOGIN_RATE=1000000", "ADDRESS_RATE=1000000"};
    const auto one = started(soon);
    const auto two = started(soon);
    sign_up(one, "ann@example.com");
    for (const auto port : {one, two, one}) EXPECT_EQ(log_in(port, "ann@example.com", "wrong horse").status, 401);
    const auto locked = log_in(two, "ann@example.com");
    EXPECT_EQ(locked.status, 401);
    EXPECT_EQ(locked.body, log_in(two, "bob@example.com").body) << "a lock is told as a wrong password";
    EXPECT_TRUE(until([&] { return log_in(one, "ann@example.com").status == 200; })) << "until its time is over";
    EXPECT_EQ(log_in(one, "ann@example.com", "wrong horse").status, 401);
    EXPECT_EQ(log_in(one, "ann@example.com").status, 200) << "one mistake locks nobody";
}

TEST_P(Auth, EndsTheSessionWhenAUsedRefreshTokenComesAgain) {
    const auto port = started({"REFRESH_GRACE=0s"});
    sign_up(port, "ann@example.com");
    const auto first = log_in(port, "ann@example.com").text("refresh_token");
    const auto other = log_in(port, "ann@example.com").text("refresh_token");
    const auto second = ask(port, "POST", "/refresh", refresh_body(first));
    ASSERT_EQ(second.status, 200) << second.body;
    EXPECT_NE(second.text("refresh_token"), first);
    EXPECT_EQ(ask(port, "GET", "/me", "", bearer(second.text("token"))).status, 200);
    EXPECT_EQ(ask(port, "POST", "/refresh", refresh_body(first)).status, 401) << "it comes again";
    EXPECT_EQ(ask(port, "POST", "/refresh", refresh_body(second.text("refresh_token"))).status, 401)
        << "so its whole family is over";
    EXPECT_EQ(ask(port, "POST", "/refresh", refresh_body(other)).status, 200) << "and no other session";
    EXPECT_EQ(ask(port, "POST", "/refresh", refresh_body("unknown")).status, 401);
    EXPECT_EQ(ask(port, "POST", "/refresh", "{}").status, 401);
}

/// How many of eight that use the same token at the same time, at two replicas, get tokens.
int winners(std::uint16_t one, std::uint16_t two, const std::string& token) {
    std::atomic<int> won = 0;
    std::vector<std::thread> tabs;
    for (int tab = 0; tab < 8; ++tab) {
        tabs.emplace_back([&, port = tab % 2 == 0 ? one : two] {
            if (ask(port, "POST", "/refresh", refresh_body(token)).status == 200) ++won;
        });
    }
    for (auto& tab : tabs) tab.join();
    return won;
}

TEST_P(Auth, LetsExactlyOneOfManyTabsWinWithoutGraceAndAllWithin) {
    const Environment strict{"REFRESH_GRACE=0s"};
    const auto one = started(strict);
    const auto two = started(strict);
    sign_up(one, "ann@example.com");
    for (int round = 0; round < 5; ++round)
        EXPECT_EQ(winners(one, two, log_in(one, "ann@example.com").text("refresh_token")), 1);
    const auto three = started();
    const auto four = started();
    EXPECT_EQ(winners(three, four, log_in(three, "ann@example.com").text("refresh_token")), 8);
}

TEST_P(Auth, GivesPagesStrictCookiesThatNeedTheirCsrfToken) {
    const auto port = started({"PUBLIC_PATH=/api/auth"});
    sign_up(port, "ann@example.com");
    const std::string wish = R"({"email":"ann@example.com","password":"correct horse","session":"cookie"})";
    EXPECT_EQ(ask(port, "POST", "/login", wish, {{"Sec-Fetch-Site", "cross-site"}}).status, 403);
    const auto in = ask(port, "POST", "/login", wish, {{"X-Forwarded-Proto", "https"}});
    ASSERT_EQ(in.status, 200) << in.body;
    EXPECT_EQ(in.text("token") + in.text("refresh_token"), "") << "no script sees a token";
    for (const auto* name : {"access", "refresh", "csrf"}) {
        EXPECT_NE(in.set_cookie(name).find("; SameSite=Strict"), std::string::npos) << name;
        EXPECT_NE(in.set_cookie(name).find("; Secure"), std::string::npos) << name;
        EXPECT_EQ(in.set_cookie(name).find("; HttpOnly") == std::string::npos, std::string_view(name) == "csrf");
    }
    EXPECT_NE(in.set_cookie("refresh").find("; Path=/api/auth;"), std::string::npos);
    const auto cookies =
        fmt::format("access={}; refresh={}; csrf={}", in.cookie("access"), in.cookie("refresh"), in.cookie("csrf"));
    EXPECT_EQ(ask(port, "GET", "/me", "", {{"Cookie", cookies}}).status, 200);
    const auto post = [&](const std::string& path, const std::string& body, Headers more) {
        more.emplace_back("Cookie", cookies);
        return ask(port, "POST", path, body, more);
    };
    const std::string change = R"({"old_password":"correct horse","new_password":"battery staple"})";
    EXPECT_EQ(post("/password", change, {}).status, 403);
    EXPECT_EQ(post("/password", change, {{"X-CSRF-Token", "wrong"}}).status, 403);
    EXPECT_EQ(post("/refresh", "{}", {}).status, 403);
    EXPECT_EQ(post("/logout", "", {}).status, 403);
    const std::pair<std::string, std::string> csrf{"X-CSRF-Token", in.cookie("csrf")};
    EXPECT_EQ(post("/password", change, {csrf, {"Origin", "http://evil.example"}}).status, 403);
    EXPECT_EQ(post("/password", change, {csrf, {"Origin", "http://test"}}).status, 204);
    const auto renewed = post("/refresh", "{}", {csrf});
    EXPECT_EQ(renewed.status, 200) << renewed.body;
    EXPECT_EQ(renewed.cookie("csrf"), in.cookie("csrf")) << "tabs hold the same one as long as the session lasts";
    const auto out = post("/logout", "", {csrf});
    EXPECT_EQ(out.status, 204);
    EXPECT_NE(out.set_cookie("access").find("Max-Age=0"), std::string::npos);
    EXPECT_EQ(post("/refresh", "{}", {csrf}).status, 401);
}

TEST_P(Auth, EndsOtherSessionsWhenThePasswordChanges) {
    const auto port = started();
    sign_up(port, "ann@example.com");
    const auto here = log_in(port, "ann@example.com");
    const auto there = log_in(port, "ann@example.com");
    const auto change = [&](const std::string& old_one) {
        const auto body = fmt::format(R"({{"old_password":"{}","new_password":"battery staple"}})", old_one);
        return ask(port, "POST", "/password", body, bearer(here.text("token")));
    };
    EXPECT_EQ(change("wrong horse").status, 422);
    EXPECT_EQ(change(password_).status, 204);
    EXPECT_EQ(ask(port, "POST", "/refresh", refresh_body(there.text("refresh_token"))).status, 401);
    EXPECT_EQ(ask(port, "POST", "/refresh", refresh_body(here.text("refresh_token"))).status, 200);
    EXPECT_EQ(log_in(port, "ann@example.com").status, 401);
    EXPECT_EQ(log_in(port, "ann@example.com", "battery staple").status, 200);
    if (postgres_) {
        EXPECT_EQ(postgres_->ask("SELECT COUNT(*) FROM outbox WHERE type = 'user.password_changed'"), "1");
    }
}

TEST_P(Auth, ListsAndEndsOnesOwnSessions) {
    const auto port = started();
    sign_up(port, "ann@example.com");
    sign_up(port, "bob@example.com");
    const auto bob = log_in(port, "bob@example.com");
    for (int at = 0; at < 52; ++at) EXPECT_EQ(log_in(port, "ann@example.com").status, at < 30 ? 200 : 429);
    const auto limitless = started({"LOGIN_RATE=1000"});
    for (int at = 0; at < 25; ++at) EXPECT_EQ(log_in(limitless, "ann@example.com").status, 200);
    const auto here = log_in(limitless, "ann@example.com");
    const auto list = ask(port, "GET", "/sessions", "", bearer(here.text("token")));
    ASSERT_EQ(list.status, 200);
    const auto& items = list.json.at("items").as_array();
    EXPECT_EQ(items.size(), 50U) << "what rested longest has ended";
    const auto is_current = [](const auto& one) { return one.at("current").as_bool(); };
    EXPECT_EQ(std::ranges::count_if(items, is_current), 1);
    const auto last = std::string(std::ranges::find_if_not(items, is_current)->at("id").as_string());
    EXPECT_EQ(ask(port, "DELETE", "/sessions/" + last, "", bearer(bob.text("token"))).status, 204) << "not told";
    EXPECT_EQ(ask(port, "GET", "/sessions", "", bearer(here.text("token"))).json.at("items").as_array().size(), 50U);
    EXPECT_EQ(ask(port, "DELETE", "/sessions/" + last, "", bearer(here.text("token"))).status, 204);
    EXPECT_EQ(ask(port, "GET", "/sessions", "", bearer(here.text("token"))).json.at("items").as_array().size(), 49U);
    EXPECT_EQ(ask(port, "DELETE", "/sessions", "", bearer(here.text("token"))).status, 204);
    EXPECT_EQ(ask(port, "GET", "/sessions", "", bearer(here.text("token"))).json.at("items").as_array().size(), 1U);
}

TEST_P(Auth, LetsAdminsGrantRolesButNotTheLastOneGo) {
    const auto port = started();
    EXPECT_EQ(
        ask(port, "POST", "/signup", R"({"email":"d@example.com","password":"correct horse","role":"dealer"})").status,
        202);
    const auto in = log_in(port, "d@example.com");
    const auto id = std::string(in.json.at("user").at("id").as_string());
    const auto admin = bearer(admin_token(port));
    EXPECT_EQ(ask(port, "GET", "/users", "", bearer(in.text("token"))).status, 403);
    EXPECT_EQ(ask(port, "GET", "/users?wants=dealer", "", admin).json.at("total").as_int64(), 1);
    EXPECT_EQ(ask(port, "GET", "/users?q=D%40EX&per_page=1", "", admin).json.at("total").as_int64(), 1);
    EXPECT_EQ(ask(port, "GET", "/users?per_page=101", "", admin).status, 422);
    EXPECT_EQ(ask(port, "GET", "/users/" + id, "", bearer(service_token_)).status, 200);
    const auto put = [&](const std::string& user, const std::string& roles, Headers headers) {
        return ask(port, "PUT", "/users/" + user + "/roles", fmt::format(R"({{"roles":[{}]}})", roles), headers);
    };
    EXPECT_EQ(put(id, R"("admin")", bearer(in.text("token"))).status, 403);
    EXPECT_EQ(put(id, R"("service")", admin).status, 422);
    EXPECT_EQ(put(id, "", admin).status, 422);
    EXPECT_EQ(put("7f0c0d6e-0000-4000-8000-000000000001", R"("buyer")", admin).status, 404);
    auto old_tag = admin;
    old_tag.emplace_back("If-Match", "\"" + id + "-9\"");
    EXPECT_EQ(put(id, R"("buyer")", old_tag).status, 412);
    const auto granted = put(id, R"("dealer","buyer")", admin);
    EXPECT_EQ(granted.status, 200) << granted.body;
    EXPECT_FALSE(granted.json.at("wants_dealer").as_bool());
    const auto again = ask(port, "POST", "/refresh", refresh_body(in.text("refresh_token")));
    EXPECT_EQ(boost::json::serialize(again.json.at("user").at("roles")), R"(["buyer","dealer"])");
    const auto list = ask(port, "GET", "/users?role=admin", "", admin);
    const auto admin_id = std::string(list.json.at("items").at(0).at("id").as_string());
    EXPECT_EQ(put(admin_id, R"("buyer")", admin).status, 409) << "somebody must be able to let others in";
    EXPECT_EQ(put(id, R"("admin")", admin).status, 200);
    EXPECT_EQ(put(admin_id, R"("buyer")", admin).status, 200);
}

/// The id of the key that signed the token.
std::string key_of(const std::string& token) {
    const auto header = kit::auth::from_base64url(token.substr(0, token.find('.'))).value_or("{}");
    return std::string(boost::json::parse(header).at("kid").as_string());
}

TEST_P(Auth, ChangesKeysWithoutRefusingAnyToken) {
    const Environment fast{"KEY_ROTATE_EVERY=1s", "KEY_LEAD=500ms", "KEY_SECRET=sealed with this"};
    const auto one = started(fast);
    const auto two = started(fast);
    sign_up(one, "ann@example.com");
    const auto token = log_in(one, "ann@example.com").text("token");
    std::set<std::string> signers{key_of(token)};
    EXPECT_TRUE(until([&] {
        for (const auto port : {one, two}) {
            const auto fresh = log_in(port, "ann@example.com").text("token");
            if (fresh.empty()) continue;  // the limit of log-ins
            signers.insert(key_of(fresh));
            for (const auto other : {one, two}) EXPECT_EQ(ask(other, "GET", "/me", "", bearer(fresh)).status, 200);
        }
        return signers.size() >= 2 || ask(one, "GET", "/.well-known/jwks.json").json.at("keys").as_array().size() >= 3;
    }));
    EXPECT_EQ(ask(two, "GET", "/me", "", bearer(token)).status, 200)
        << "an old key stays until its tokens have expired";
    if (postgres_) {
        EXPECT_EQ(postgres_->ask("SELECT COUNT(*) FROM signing_keys WHERE private LIKE '%KEY%'"), "0");
    }

    const auto other_secret = started({"KEY_SECRET=another"});
    EXPECT_EQ(ask(other_secret, "GET", "/me", "", bearer(token)).status, 200)
        << "keys that cannot be read still verify";
    EXPECT_EQ(log_in(other_secret, "ann@example.com").status, 200) << "and a new one signs";
}

TEST_P(Auth, CountsTriesAndWritesNoSecretToItsLog) {
    const auto port = started({"LOGIN_RATE=3", "LOG_LEVEL=debug"});
    sign_up(port, "ann@example.com");
    std::vector<std::string> secrets{password_, service_token_, "admin password"};
    for (const auto* name : {"ann@example.com", "nobody@example.com"}) {
        for (int at = 0; at < 3; ++at) secrets.push_back(log_in(port, name).text("token"));
        const auto limited = log_in(port, name);
        EXPECT_EQ(limited.status, 429) << "known or not";
        EXPECT_NE(limited.head.find("Retry-After: "), std::string::npos);
    }
    ask(port, "GET", "/me", "", bearer(secrets[3]));
    ask(port, "POST", "/login", R"({"email":"ann@example.com","password":"correct horse","x":1})");
    processes_[0]->terminate();
    EXPECT_EQ(processes_[0]->wait(), 0);
    for (const auto& secret : secrets) {
        if (!secret.empty()) {
            EXPECT_EQ(processes_[0]->log().find(secret), std::string::npos);
        }
    }
}

TEST_P(Auth, CountsTriesOfAllReplicasThroughRedis) {
    std::string why;
    const auto redis = kit::testing::PrivateRedis::make(why);
    if (!redis) GTEST_SKIP() << why;
    const Environment limited{"LOGIN_RATE=4", "REDIS_URL=" + redis->url()};
    const auto one = started(limited);
    const auto two = started(limited);
    EXPECT_TRUE(until([&] { return ask(one, "GET", "/health").status == 200; }));
    int refused = 0;
    for (int at = 0; at < 8; ++at) refused += log_in(at % 2 == 0 ? one : two, "ann@example.com").status == 429 ? 1 : 0;
    EXPECT_EQ(refused, 4) << "not four at each";
    redis->stop();
    EXPECT_EQ(log_in(one, "bob@example.com").status, 401) << "without Redis each counts for itself";
}

TEST(AuthSettings, AreCheckedAtTheStart) {
    for (const auto* wrong : {"SERVICE_TOKEN=short", "DEALER_SIGNUP=perhaps", "ADMIN_EMAIL=admin@example.com",
                              "PASSWORD_MEMORY_KIB=1", "PUBLIC_PATH=api"}) {
        kit::testing::ServiceProcess process(PROGRAM, {"DATABASE_URL=sqlite::memory:", wrong});
        EXPECT_EQ(process.port(), 0);
        EXPECT_EQ(process.wait(), 1) << wrong;
    }
}

}  // namespace
}  // namespace auth::testing
